import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { notices, packagesOf } from './notices.ts';

const SOURCE = join(import.meta.dirname, '../../dashboards/web');

/**
 * Builds the web page into `outDir`: `index.html`, `app.js`, `app.css`, `icon.svg`, the licences of what is in them
 * (`THIRD-PARTY.txt`), and nothing it would have to fetch elsewhere.
 */
export async function buildWeb(outDir: string): Promise<void> {
  await mkdir(outDir, { recursive: true });
  const bundles = await Promise.all([
    build({
      entryPoints: { app: join(SOURCE, 'main.ts') },
      outdir: outDir,
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      platform: 'browser',
      // All licences are in a file of their own.
      legalComments: 'none',
      metafile: true,
      logLevel: 'warning',
    }),
    build({
      entryPoints: { app: join(SOURCE, 'app.css') },
      outdir: outDir,
      bundle: true,
      minify: true,
      target: 'es2022',
      metafile: true,
      logLevel: 'warning',
    }),
  ]);
  const inputs = bundles.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  await Promise.all([
    writeFile(join(outDir, 'THIRD-PARTY.txt'), await notices(packagesOf(inputs))),
    ...['index.html', 'icon.svg'].map((file) => copyFile(join(SOURCE, file), join(outDir, file))),
  ]);
}
