import type { z } from 'zod';
import { problemSchema } from './answers.ts';

/** A response of a route, with the words the API document shows for it. */
export const json = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
});

const PROBLEMS = {
  400: 'The request does not match its schema',
  401: 'A token is missing or unknown',
  403: 'The token may not write, or none is configured',
  404: 'This is not kept here',
  409: 'The coordinator refuses, and says why',
  503: 'Not now, with the reasons',
  504: 'The coordinator has not answered in time',
} as const;

/** A refusal, in the form of RFC 9457. */
export const problem = <Status extends keyof typeof PROBLEMS>(status: Status) => ({
  description: PROBLEMS[status],
  content: { 'application/problem+json': { schema: problemSchema } },
});

/** Responses of routes that read: the answer, a refusal to read, and whatever else the route may say. */
export const reading = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  200: json(description, schema),
  401: problem(401),
});
