import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const SOURCE = join(import.meta.dirname, '../../dashboards/web');

/** Builds the web page into `outDir`: `index.html`, `app.js`, `app.css`, `icon.svg`, and nothing it would have to fetch elsewhere. */
export async function buildWeb(outDir: string): Promise<void> {
  await mkdir(outDir, { recursive: true });
  await Promise.all([
    build({
      entryPoints: { app: join(SOURCE, 'main.ts') },
      outdir: outDir,
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      platform: 'browser',
      legalComments: 'linked',
      logLevel: 'warning',
    }),
    build({
      entryPoints: { app: join(SOURCE, 'app.css') },
      outdir: outDir,
      bundle: true,
      minify: true,
      target: 'es2022',
      logLevel: 'warning',
    }),
    ...['index.html', 'icon.svg'].map((file) => copyFile(join(SOURCE, file), join(outDir, file))),
  ]);
}
