import type { Plugin } from 'esbuild';

/**
 * What a bundled service would keep in memory without ever using it. Figures are of resident memory, x86-64, Node 24, in
 * a process that does nothing else.
 *
 * - `import` of `node:http` reads every name it exports, and one of these is a WebSocket of an HTTP client that is then
 *   loaded: 12 MiB. `require` reads what is asked for.
 * - fastify loads `node:http2` in case somebody serves it, and our gRPC is for hosts with Talos only: 3 MiB, loaded when used.
 * - zod brings its messages in fifty languages, of which one is spoken here: 1 MiB.
 */
export const lean: Plugin = {
  name: 'lean',
  setup: ({ onResolve, onLoad, resolve }) => {
    const ours = 'required';
    onResolve({ filter: /^node:http2?$/ }, ({ path, namespace }) =>
      namespace === ours ? { path, external: true } : { path, namespace: ours },
    );
    onLoad({ filter: /./, namespace: ours }, ({ path }) => ({
      contents:
        path === 'node:http2'
          ? `module.exports = new Proxy({}, { get: (_, name) => require('${path}')[name] });`
          : `module.exports = require('${path}');`,
    }));
    onResolve({ filter: /\/locales\/index\.js$/ }, ({ path, kind, resolveDir }) =>
      resolveDir.includes('/zod/') ? resolve(path.replace('index.js', 'en.js'), { kind, resolveDir }) : undefined,
    );
  },
};
