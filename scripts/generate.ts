import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generated } from './generate/files.ts';

/**
 * Writes the generated files that are committed, or with --check only compares them and names those that are stale.
 */
const check = process.argv.includes('--check');
const stale: string[] = [];

for (const [path, text] of Object.entries(await generated())) {
  const before = read(path);
  if (before === text) continue;
  stale.push(path);
  if (check) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(`wrote ${path}`);
}

if (check && stale.length > 0) {
  console.error(`stale generated files: ${stale.join(', ')}\n  try: npm run generate`);
  process.exitCode = 1;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
