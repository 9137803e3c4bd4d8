import { z } from 'zod';
import { HttpProblem } from '../problem.ts';
import type { Routes } from '../routes.ts';
import { problem } from '../schemas/responses.ts';

const stream = z.string().meta({
  description:
    'Events: `snapshot` (SnapshotEvent) at once and after each tick, `journal` (JournalAnswer) with new lines, ' +
    '`heartbeat` (`{ageMs}`, age of the newest snapshot) in between.',
});

/** Server-sent events. */
export const eventRoutes: Routes = (app, { hub }) => {
  app.get(
    '/api/v1/events',
    {
      exposeHeadRoute: false,
      schema: {
        tags: ['reading'],
        summary: 'The rack, live (server-sent events)',
        response: {
          200: { description: 'The stream', content: { 'text/event-stream': { schema: stream } } },
          401: problem(401),
          503: problem(503),
        },
      },
    },
    (_request, reply) => {
      if (hub.full) {
        throw new HttpProblem(503, 'Too many event streams are open; close one.', { headers: { 'retry-after': '10' } });
      }
      const headers: Record<string, string | number | string[]> = {};
      for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) headers[name] = value;
      reply.hijack();
      hub.add(reply.raw, headers);
    },
  );
};
