/**
 * Why a call to the API server gave nothing usable.
 *
 * `unreachable`: no connection, or it broke. `timeout`: connected, and no (complete) answer within the call's deadline.
 * `aborted`: the caller gave up or the client was closed. `unauthorized` 401, `forbidden` 403, `not-found` 404,
 * `conflict` 409, `gone` 410, `too-many` 429, `server` 5xx, `refused` any other 4xx.
 * `bad-answer`: the answer is not what the Kubernetes API promises.
 */
export type ApiErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'aborted'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'gone'
  | 'too-many'
  | 'server'
  | 'refused'
  | 'bad-answer';

/** One entry of `details.causes` in a Status object. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
}

interface ApiErrorFacts {
  readonly status?: number;
  readonly reason?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** A failed call: what was asked, why it failed, and whether asking again makes sense. Carries no credentials. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  /** HTTP status, when there was an answer. */
  readonly status: number | undefined;
  /** `reason` of the Status object: `NotFound`, `TooManyRequests`, `InternalError`, … Absent: the answer was no Status. */
  readonly reason: string | undefined;
  readonly causes: readonly StatusCause[];
  /** How long the server asks to wait, ms. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ApiErrorCode, message: string, facts: ApiErrorFacts = {}) {
    super(message, { cause: facts.cause });
    this.name = 'ApiError';
    this.code = code;
    this.status = facts.status;
    this.reason = facts.reason;
    this.causes = facts.causes ?? [];
    this.retryAfterMs = facts.retryAfterMs;
  }

  /** The server is away or not itself: the same call may succeed later. */
  get away(): boolean {
    return (
      this.code === 'unreachable' ||
      this.code === 'timeout' ||
      this.status === 502 ||
      this.status === 503 ||
      this.status === 504
    );
  }
}

/** Every rejection of the REST client is an ApiError; anything else is a fault of ours and keeps its stack. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError('bad-answer', error instanceof Error ? error.message : String(error), { cause: error });
}
