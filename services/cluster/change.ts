import type { Clock } from '../runtime/clock.ts';
import type { Outcome, OutcomeCode } from '../shutdown/promises.ts';
import { type ApiError, asApiError } from './api-error.ts';
import type { Rest } from './rest.ts';

/** What to write to an object, or why nothing is written. */
export interface Change {
  readonly outcome: Outcome;
  /** A merge patch; absent: nothing is written. */
  readonly patch?: Readonly<Record<string, unknown>>;
}

const RETRY_MS = 1_000;
/** A refused connection is tried again for so many call deadlines; a hanging one uses them up by itself. */
const BUDGET_CALLS = 3;
const MAX_SERVER_ERRORS = 2;
const MAX_CONFLICTS = 8;

/** Reads the object, decides, writes with the version it read; a conflict means reading and deciding again. Never rejects. */
export async function changeObject<T>(
  rest: Rest,
  clock: Clock,
  path: string,
  parse: (value: unknown) => T,
  decide: (found: T) => Change,
): Promise<Outcome> {
  const giveUpMs = clock.monoMs() + BUDGET_CALLS * rest.timeoutMs;
  for (let conflicts = 0, serverErrors = 0; ; ) {
    try {
      const decision = decide(parse((await rest.call({ method: 'GET', path })).body));
      if (decision.patch === undefined) return decision.outcome;
      await rest.call({ method: 'PATCH', path, body: decision.patch, contentType: 'application/merge-patch+json' });
      return decision.outcome;
    } catch (error) {
      const problem = asApiError(error);
      if (problem.code === 'conflict' && conflicts < MAX_CONFLICTS) {
        conflicts += 1;
        continue;
      }
      if (problem.code === 'server' && !problem.away) serverErrors += 1;
      const again =
        problem.away || problem.code === 'too-many' || (problem.code === 'server' && serverErrors <= MAX_SERVER_ERRORS);
      if (!again || clock.monoMs() + RETRY_MS >= giveUpMs) {
        return { code: outcomeCode(problem), detail: problem.message };
      }
      await clock.sleep(RETRY_MS);
    }
  }
}

function outcomeCode(problem: ApiError): OutcomeCode {
  if (problem.code === 'timeout') return 'timeout';
  return problem.away || problem.code === 'aborted' ? 'unreachable' : 'refused';
}
