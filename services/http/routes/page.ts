import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HttpProblem } from '../problem.ts';
import type { Routes } from '../routes.ts';

/** The web page at `/`, from the folder it was built into. The files hold no data, so they need no token. */
export const pageRoutes: Routes = async (app, { webRoot }) => {
  if (webRoot !== undefined && existsSync(join(webRoot, 'index.html'))) {
    const { default: serveStatic } = await import('@fastify/static');
    await app.register(async (open) => {
      open.addHook('onRoute', (route) => {
        route.config = { ...route.config, open: true };
        route.schema = { ...route.schema, hide: true };
      });
      await open.register(serveStatic, { root: webRoot, cacheControl: false, wildcard: false, index: ['index.html'] });
      open.addHook('onSend', async (_request, reply) => {
        reply.header('cache-control', 'no-cache');
      });
    });
    return;
  }
  app.get('/', { config: { open: true }, schema: { hide: true } }, () => {
    throw new HttpProblem(
      404,
      'The web page is not built here; run "npm run build". The API is described at /openapi.json.',
    );
  });
};
