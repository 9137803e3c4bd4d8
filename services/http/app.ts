import type { FastifyError } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { hostGuard, isLoopback } from './host-guard.ts';
import { describeApi } from './openapi.ts';
import { HttpProblem, problemOf, sendProblem } from './problem.ts';
import { agentRoutes } from './routes/agents.ts';
import { commandRoutes } from './routes/commands.ts';
import { drillRoutes } from './routes/drill.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { historyRoutes } from './routes/history.ts';
import { journalRoutes } from './routes/journal.ts';
import { pageRoutes } from './routes/page.ts';
import { rackRoutes } from './routes/rack.ts';
import type { App, RouteContext } from './routes.ts';

const BODY_LIMIT_BYTES = 4096;
/** Requests a minute from one address; this machine and owners of a token are not counted. */
const REQUESTS_PER_MINUTE = 300;

/** Puts the HTTP application together; it does not listen. `listen` is `host:port`. */
export async function buildApp(listen: string, context: RouteContext): Promise<App> {
  const [{ default: fastify }, { default: helmet }, { default: rateLimit }, zodProvider] = await Promise.all([
    import('fastify'),
    import('@fastify/helmet'),
    import('@fastify/rate-limit'),
    import('fastify-type-provider-zod'),
  ]);
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: 15_000,
    keepAliveTimeout: 30_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
  }).withTypeProvider<ZodTypeProvider>();
  app.server.maxConnections = 256;
  app.setValidatorCompiler(zodProvider.validatorCompiler);
  app.setSerializerCompiler(zodProvider.serializerCompiler);
  app.removeContentTypeParser('text/plain');
  answerWithProblems(app, context);

  const knownHost = hostGuard(listen);
  app.addHook('onRequest', (request, _reply, done) => {
    if (!knownHost(request.headers.host)) {
      throw new HttpProblem(
        421,
        'This service listens on this machine only and answers to localhost, 127.0.0.1 and [::1].',
      );
    }
    done();
  });
  await app.register(helmet, HEADERS);
  await app.register(rateLimit, {
    max: REQUESTS_PER_MINUTE,
    timeWindow: '1 minute',
    allowList: (request) =>
      isLoopback(request.ip) || context.access.visitor(request.headers.authorization) !== undefined,
    errorResponseBuilder: (_request, { ttl }) =>
      new HttpProblem(429, `Too many requests; try again in ${Math.ceil(ttl / 1000)} s.`),
  });
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.config.open !== true) context.access.mayRead(request.headers.authorization);
    done();
  });
  app.addHook('onSend', async (request, reply) => {
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store');
  });

  await describeApi(app, zodProvider);
  await app.register(async (routes) => {
    const typed = routes.withTypeProvider<ZodTypeProvider>();
    for (const add of [
      rackRoutes,
      journalRoutes,
      eventRoutes,
      commandRoutes,
      drillRoutes,
      healthRoutes,
      historyRoutes,
      agentRoutes,
      pageRoutes,
    ]) {
      await add(typed, context);
    }
    typed.get('/openapi.json', { config: { open: true }, schema: { hide: true } }, (_request, reply) =>
      reply
        .type('application/json; charset=utf-8')
        .serializer((body: unknown) => JSON.stringify(body))
        .send(app.swagger()),
    );
  });
  // Streams are answers that never end by themselves; closing the server waits for them.
  app.addHook('preClose', async () => {
    context.hub.stop();
    context.latest.stop();
  });
  await app.ready();
  return app;
}

/** Only what comes from this address may load, run or frame the page. No HSTS: this is plain HTTP in a closet. */
const HEADERS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  strictTransportSecurity: false,
  referrerPolicy: { policy: 'no-referrer' },
  xFrameOptions: { action: 'deny' },
} as const;

function answerWithProblems(app: App, context: RouteContext): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = problemOf(error);
    if (problem.status === 500) {
      context.log.error({ err: error, route: request.routeOptions.url }, 'an HTTP request failed');
    }
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, new HttpProblem(404, 'There is nothing here; the API is described at /openapi.json.')),
  );
}
