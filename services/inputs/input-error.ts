/**
 * Why there is no new sample of something that others publish. `silent`: nothing was heard for too long. `offline`: the
 * publisher, or its last will, says so. `disconnected`: the broker is away. `denied`: the broker does not let us read.
 * `incomplete`: what is heard lacks what a sample needs. `stale`: what came was measured too long ago. `implausible`: it
 * cannot be true. `bad_answer`: it could not be read.
 */
export type InputReason =
  | 'silent'
  | 'offline'
  | 'disconnected'
  | 'denied'
  | 'incomplete'
  | 'stale'
  | 'implausible'
  | 'bad_answer'
  | 'closed';

/** What was heard before does not hold any longer after these. */
const ENDS_FRESHNESS: ReadonlySet<InputReason> = new Set(['silent', 'offline', 'stale']);

export class InputError extends Error {
  readonly code: InputReason;
  /** The last sample is stale from now on, however young it is. */
  readonly endsFreshness: boolean;

  constructor(code: InputReason, message: string) {
    super(message);
    this.name = 'InputError';
    this.code = code;
    this.endsFreshness = ENDS_FRESHNESS.has(code);
  }
}
