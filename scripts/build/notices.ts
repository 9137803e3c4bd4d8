import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const MODULES = join(import.meta.dirname, '../../node_modules');

interface Package {
  readonly version: string;
  readonly license: string;
  readonly homepage?: string;
}

/** The licences of what a bundle contains, as one text: who asks for nothing but to be named is named. */
export async function notices(packages: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    packages.map(async (name) => {
      const { version, license, homepage } = JSON.parse(
        await readFile(join(MODULES, name, 'package.json'), 'utf8'),
      ) as Package;
      const text = await readFile(join(MODULES, name, 'LICENSE'), 'utf8');
      const from = homepage === undefined ? '' : `\n${homepage}`;
      return `${name} ${version} (${license})${from}\n\n${text.trim()}\n`;
    }),
  );
  return `This page contains the following software.\n\n${parts.join(`\n${'-'.repeat(72)}\n\n`)}`;
}

/** The packages whose files went into a bundle, by the names of its inputs, in alphabetical order. */
export function packagesOf(inputs: readonly string[]): readonly string[] {
  const names = inputs.flatMap((input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []);
  return [...new Set(names)].sort();
}
