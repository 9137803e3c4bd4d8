#!/usr/bin/env node
// The entry: says so when the Node that started it is too old, before anything newer than that is loaded.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  console.error(`holdover needs Node 22.13 or newer; this is ${process.versions.node}.`);
  console.error('Try: npm run demo, npx holdover …, or node_modules/.bin/node dist/holdover.js …');
  process.exitCode = 2;
} else {
  const { main } = await import('./program.ts');
  process.exitCode = await main(process.argv);
  // A failed start can leave a socket or a child behind; a program that is done must not hang on it.
  (await import('../runtime/clock.ts')).exitSoon();
}
