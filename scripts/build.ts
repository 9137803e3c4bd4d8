import { chmodSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import { lean } from './build/lean.ts';
import { buildWeb } from './build/web.ts';

/**
 * Bundles the program and the page into dist/. A bundle starts faster and is smaller in memory than hundreds of files,
 * and a published package may not contain TypeScript to be run. Sub-commands stay in chunks of their own.
 */
const OUT = 'dist';

rmSync(OUT, { recursive: true, force: true });
await build({
  entryPoints: {
    holdover: 'services/cli/holdover.ts',
    'power-planner': 'power-planner/cli.ts',
    'history-worker': 'services/history/worker.ts',
  },
  outdir: OUT,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  sourcemap: true,
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'linked',
  logLevel: 'warning',
  // Native addons, and packages that look for their own files at run time.
  external: [
    'serialport',
    '@serialport/*',
    'ssh2',
    'cpu-features',
    'net-snmp',
    'modbus-serial',
    'aedes',
    'mqtt-packet',
    'i2c-bus',
  ],
  plugins: [lean],
  banner: {
    js: "import { createRequire as holdoverRequire } from 'node:module'; const require = holdoverRequire(import.meta.url);",
  },
});
for (const program of ['holdover', 'power-planner']) chmodSync(`${OUT}/${program}.js`, 0o755);
await buildWeb(`${OUT}/web`);
