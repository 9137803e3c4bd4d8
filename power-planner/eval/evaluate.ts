import { type WarningCode, warningsFor, warningText } from '../model/warnings.ts';
import type { Answer } from './answer.ts';
import { calendarAgeing, life, sizing, upsFit } from './choice-kinds.ts';
import { factsOf } from './facts.ts';
import { CaseError, type CaseErrorCode, Fields, objectOf } from './fields.ts';
import { chargeHeadroom, circuit, converter, link, seed, wire } from './mains-kinds.ts';
import { derating, recharging, reserving, runtime, shedding } from './pack-kinds.ts';

const KINDS: Readonly<Record<string, (fields: Fields) => Answer>> = {
  circuit,
  'poe-link': link,
  converter,
  wire,
  runtime,
  derate: derating,
  recharge: recharging,
  'charge-headroom': chargeHeadroom,
  'calendar-ageing': calendarAgeing,
  life,
  shed: shedding,
  reserve: reserving,
  'ups-fit': upsFit,
  sizing,
  seed,
  warnings: (fields) => ({
    result: { warnings: warningsFor(factsOf(fields)).map((code) => ({ code, ...warningText(code) })) },
  }),
};

/** Kinds of question there are. */
export const KIND_NAMES: readonly string[] = Object.keys(KINDS);

export interface Evaluated {
  /** As it came; null when there was none. */
  readonly id: unknown;
  readonly result: Readonly<Record<string, unknown>>;
  readonly warnings: readonly WarningCode[];
}

export interface NotEvaluated {
  readonly id: unknown;
  readonly error: { readonly code: CaseErrorCode; readonly message: string };
}

/**
 * Answers one case of the form `{id, kind, inputs}`, in the names and units of the case format. Whatever comes in, an answer
 * comes out: an error names the field, its value and what is allowed. Infinite figures become null in JSON.
 */
export function evaluateCase(input: unknown): Evaluated | NotEvaluated {
  let id: unknown = null;
  try {
    const one = objectOf('the case', input);
    id = one.id ?? null;
    const answerKind = kindOf(one.kind);
    const fields = new Fields(objectOf('inputs', one.inputs));
    const facts = factsOf(fields);
    const { result, facts: found } = answerKind(fields);
    return { id, result, warnings: warningsFor({ ...facts, ...found }) };
  } catch (error) {
    return { id, error: { code: codeOf(error), message: error instanceof Error ? error.message : 'failed' } };
  }
}

/** The same for a line of text; what is not JSON is an error of its own. */
export function evaluateLine(line: string): Evaluated | NotEvaluated {
  let input: unknown;
  try {
    input = JSON.parse(line);
  } catch {
    return {
      id: readableId(line),
      error: { code: 'not-json', message: 'expected one JSON object {"id","kind","inputs"} per line' },
    };
  }
  return evaluateCase(input);
}

/** The id of a line that is not JSON, when it can still be read there; else null. */
export function readableId(line: string): unknown {
  const [, found] = /"id"\s*:\s*("(?:[^"\\]|\\.){0,200}"|-?\d{1,15}(?:\.\d{1,15})?)\s*[,}]/.exec(line) ?? [];
  try {
    return found === undefined ? null : JSON.parse(found);
  } catch {
    return null;
  }
}

function kindOf(kind: unknown): (fields: Fields) => Answer {
  const found = typeof kind === 'string' && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (found !== undefined) return found;
  const shown = (JSON.stringify(kind) ?? 'missing').slice(0, 60);
  throw new CaseError('unknown-kind', `kind is ${shown}: expected one of ${KIND_NAMES.join(', ')}`);
}

/** The model itself refuses what no range could tell, such as a table that does not cover the chemistry. */
function codeOf(error: unknown): CaseErrorCode {
  return error instanceof CaseError ? error.code : 'impossible';
}
