import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { VERSION } from '../services/version.ts';

it('the version is the one of the package', () => {
  expect(VERSION).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version);
  expect(JSON.parse(readFileSync('package-lock.json', 'utf8')).version).toBe(VERSION);
});
