import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AgentDesk } from '../../shutdown/agent-desk.ts';
import { HttpProblem } from '../problem.ts';
import type { Routes } from '../routes.ts';
import { json, problem } from '../schemas/responses.ts';

const params = z.object({ host: z.string().max(64) });
const MOST_WAIT_S = 60;

const orderAnswer = z
  .object({
    order: z
      .object({
        id: z.string(),
        kind: z.literal('halt'),
        issuedWallMs: z.number().meta({ description: 'when it was issued, Unix time', unit: 'ms' }),
      })
      .nullable()
      .meta({ description: 'null: nothing is to be done' }),
  })
  .meta({ id: 'AgentOrderAnswer' });

const reportBody = z.object({
  id: z.string().min(1).max(64),
  state: z.enum(['taken', 'failed']),
  detail: z.string().max(500).optional(),
});

const reportAnswer = z
  .object({ stands: z.literal(true).meta({ description: 'the order stands and may be obeyed' }) })
  .meta({ id: 'AgentReportAnswer' });

const CHALLENGE = { 'www-authenticate': 'Bearer realm="holdover agents"' };

/** What an agent on a host may do: fetch the order for that host and say that it takes it. Nothing else. */
export const agentRoutes: Routes = (app, { agents }) => {
  const security = [{ token: [] }];
  const config = { open: true } as const;

  app.get(
    '/api/v1/agents/:host',
    {
      config,
      // Before anything is looked at: a stranger learns nothing, not even which hosts there are.
      onRequest: (request, _reply, done) => {
        deskFor(agents, request);
        done();
      },
      exposeHeadRoute: false,
      schema: {
        tags: ['agents'],
        summary: 'The order that waits for the agent of a host (long poll)',
        security,
        params,
        querystring: z.object({
          wait: z.coerce
            .number()
            .min(0)
            .max(MOST_WAIT_S)
            .default(0)
            .meta({ description: 'how long to wait for one', unit: 's' }),
        }),
        response: { 200: json('The order, or none', orderAnswer), 400: problem(400), 401: problem(401) },
      },
    },
    async (request, reply) => {
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const desk = deskFor(agents, request);
      return { order: (await desk.next(request.params.host, request.query.wait * 1000, gone.signal)) ?? null };
    },
  );

  app.post(
    '/api/v1/agents/:host',
    {
      config,
      onRequest: (request, _reply, done) => {
        deskFor(agents, request);
        done();
      },
      schema: {
        tags: ['agents'],
        summary: 'The agent takes the order, or says why it cannot obey',
        security,
        params,
        body: reportBody,
        response: {
          200: json('The order stands', reportAnswer),
          400: problem(400),
          401: problem(401),
          409: problem(409),
        },
      },
    },
    async (request) => {
      if (!deskFor(agents, request).report(request.params.host, request.body))
        throw new HttpProblem(409, 'That order does not stand any more; it must not be obeyed.');
      return { stands: true as const };
    },
  );
};

/** The desk for the owner of the token. @throws HttpProblem 401 for everybody else */
function deskFor(desk: AgentDesk | undefined, request: Pick<FastifyRequest, 'headers' | 'params'>): AgentDesk {
  const token = /^Bearer +([\x21-\x7e]{1,1024})$/i.exec(request.headers.authorization ?? '')?.[1];
  const { host = '' } = request.params as { host?: string };
  if (desk !== undefined && token !== undefined && desk.knows(host, token)) return desk;
  throw new HttpProblem(401, 'This is for the agent of that host, with the token of that host.', {
    headers: CHALLENGE,
  });
}
