import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Compiles the one optional package that has to be compiled, i2c-bus, for the Node that runs holdover. npm compiles it for
 * the Node that npm runs on, which may be another; the result then does not load. Needs a compiler, make and Python.
 */

const NAME = 'i2c-bus';
const root = dirname(dirname(realpathSync(process.execPath)));
const headers = existsSync(join(root, 'include', 'node', 'node.h'));

if (!loads()) {
  // npm takes an optional package away again when it could not be compiled.
  if (!existsSync(join('node_modules', NAME))) npm('ci', '--ignore-scripts');
  npm('rebuild', NAME);
}
if (!loads()) {
  console.error(`${NAME} does not load; a compiler brings it: apt-get install build-essential python3`);
  process.exitCode = 1;
}

function npm(...args: readonly string[]): void {
  const env = headers ? { ...process.env, npm_config_nodedir: root } : process.env;
  spawnSync('npm', args, { env, stdio: 'inherit' });
}

function loads(): boolean {
  return spawnSync(process.execPath, ['-e', `require('${NAME}')`], { stdio: 'ignore' }).status === 0;
}
