import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lean } from '../../../scripts/build/lean.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdover-lean-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Bundles a program as the build does, runs it, and returns what it prints. */
async function printed(program: string, plugins = [lean]): Promise<string> {
  const entry = join(folder, 'program.mjs');
  const outfile = join(folder, 'bundle.mjs');
  writeFileSync(entry, program);
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    plugins,
    nodePaths: [join(import.meta.dirname, '../../../node_modules')],
    banner: { js: "import { createRequire as make } from 'node:module'; const require = make(import.meta.url);" },
  });
  return execFileSync(process.execPath, [outfile], { encoding: 'utf8' }).trim();
}

const LOADED =
  'console.log(process.moduleLoadList.filter((name) => /undici.undici|NativeModule http2$/.test(name)).length)';

describe('what the bundle does without', () => {
  it('loads no second HTTP client with the first, and that is ours to see', async () => {
    const program = `import http, { request } from 'node:http'; if (request !== http.request) throw 1; ${LOADED}`;
    expect(await printed(program)).toBe('0');
    expect(await printed(program, [])).not.toBe('0');
  });

  it('loads HTTP/2 when it is used, and not before', async () => {
    const named = `import http2 from 'node:http2'; ${LOADED}; console.log(http2.constants.HTTP2_HEADER_PATH); ${LOADED}`;
    expect((await printed(named)).split('\n')).toEqual(['0', ':path', '1']);
    const required = `const http2 = require('node:http2'); ${LOADED}; console.log(typeof http2.createServer); ${LOADED}`;
    expect((await printed(required)).split('\n')).toEqual(['0', 'function', '1']);
  });

  it('has the messages of its schemas in one language', async () => {
    const program = `import { z } from 'zod'; console.log(z.string().safeParse(1).error.issues[0].message, Object.keys(z.locales).length < 3)`;
    expect(await printed(program)).toBe('Invalid input: expected string, received number true');
  });
});
