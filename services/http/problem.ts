import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Problem } from './schemas/answers.ts';

/** An answer that is not the one asked for. `detail` is shown to whoever asked: what, and what to try; never a secret. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly reasons: readonly string[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    detail: string,
    more: { readonly reasons?: readonly string[]; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.name = 'HttpProblem';
    this.status = status;
    this.reasons = more.reasons ?? [];
    this.headers = more.headers ?? {};
  }
}

/** The body of a problem answer. */
function problemBody(problem: HttpProblem): Problem {
  return {
    type: 'about:blank',
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    ...(problem.reasons.length > 0 ? { reasons: [...problem.reasons] } : {}),
  };
}

/** Answers with `application/problem+json`, past the schemas of the route. */
export function sendProblem(reply: FastifyReply, problem: HttpProblem): FastifyReply {
  return reply
    .code(problem.status)
    .headers({ ...problem.headers, 'cache-control': 'no-store' })
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problemBody(problem));
}

interface Refusal {
  readonly statusCode?: unknown;
  readonly code?: unknown;
  readonly validation?: readonly { readonly instancePath?: string; readonly message?: string }[];
}

const WHAT_TO_TRY: Readonly<Record<number, string>> = {
  400: 'The request cannot be understood; see /openapi.json.',
  413: 'The body is larger than any command needs.',
  415: 'Send the body as application/json.',
  429: 'Too many requests; wait a minute.',
};

/** What an error thrown by fastify, a plugin or a route becomes for the outside. Anything unforeseen says nothing. */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const { statusCode, validation } = (typeof error === 'object' && error !== null ? error : {}) as Refusal;
  if (validation) {
    const reasons = validation.slice(0, 8).map((issue) => {
      const where = (issue.instancePath ?? '').replaceAll('/', '.').replace(/^\./, '');
      return where === '' ? (issue.message ?? 'invalid') : `${where}: ${issue.message ?? 'invalid'}`;
    });
    return new HttpProblem(400, 'The request does not match its schema; see /openapi.json.', { reasons });
  }
  const status = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : 500;
  if (status === 500) return new HttpProblem(500, 'The service failed to answer; its log says why.');
  return new HttpProblem(status, WHAT_TO_TRY[status] ?? 'The request was refused.');
}
