import { z } from 'zod';
import { HttpProblem } from '../problem.ts';
import type { Routes } from '../routes.ts';
import { healthAnswer } from '../schemas/answers.ts';
import { json, problem } from '../schemas/responses.ts';

const tags = ['health'];

/** For supervisors and scrapers. */
export const healthRoutes: Routes = (app, { latest, journalTrouble, metrics }) => {
  app.get(
    '/healthz',
    {
      config: { open: true },
      schema: { tags, summary: 'The process is alive', response: { 200: json('Alive', healthAnswer) } },
    },
    () => {
      const role = latest.event()?.coordinator.lease?.role;
      return { status: 'ok' as const, ...(role === undefined ? {} : { role }) };
    },
  );
  app.get(
    '/readyz',
    {
      config: { open: true },
      schema: {
        tags,
        summary: 'A fresh snapshot exists and the journal can be written',
        response: { 200: json('Ready', healthAnswer), 503: problem(503) },
      },
    },
    () => {
      const reasons = [latest.trouble(), journalTrouble()].filter((reason) => reason !== undefined);
      if (reasons.length > 0) throw new HttpProblem(503, `Not ready: ${reasons.join('; ')}.`, { reasons });
      return { status: 'ok' as const };
    },
  );
  app.get(
    '/metrics',
    {
      schema: {
        tags,
        summary: 'Prometheus metrics',
        response: {
          200: { description: 'Text exposition format', content: { 'text/plain': { schema: z.string() } } },
          401: problem(401),
        },
      },
    },
    async (_request, reply) => {
      const text = await metrics();
      return reply
        .type('text/plain; version=0.0.4; charset=utf-8')
        .serializer((body: unknown) => String(body))
        .send(text);
    },
  );
};
