import { z } from 'zod';
import { finite } from '../finite.ts';
import type { Routes } from '../routes.ts';
import { journalAnswer } from '../schemas/answers.ts';
import { problem, reading } from '../schemas/responses.ts';

/** The newest lines of the journal, oldest first. */
export const journalRoutes: Routes = (app, { desk }) => {
  app.get(
    '/api/v1/journal',
    {
      schema: {
        tags: ['reading'],
        summary: 'What the coordinator meant to do and what happened',
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(100) }),
        response: { ...reading('The newest lines, oldest first', journalAnswer), 400: problem(400) },
      },
    },
    (request) => ({
      entries: finite(desk.journal(request.query.limit)).map((line) => ({ ...line, entry: { ...line.entry } })),
    }),
  );
};
