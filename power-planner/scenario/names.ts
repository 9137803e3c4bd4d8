import { stretchesOf } from '../model/profile.ts';
import { CELL_IDS, CONVERTER_IDS, LOAD_IDS } from './catalogue.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problems.ts';
import type { LoadPlan, Scenario } from './schema.ts';

/** What only the whole scenario can tell: names that lead nowhere, and loads of which nobody knows the watts. */
export function inspectScenario(scenario: Scenario): readonly Problem[] {
  return [...switches(scenario), ...loads(scenario), ...pack(scenario), ...stages(scenario), ...profile(scenario)];
}

/** How stages and answers name a load. */
export const loadId = ({ id, device, poe }: LoadPlan): string => id ?? device ?? (poe === undefined ? 'load' : 'node');

function unknown(path: string, value: string, what: string, known: readonly string[]): Problem {
  const near = nearest(value, known);
  const all = known.length === 0 ? 'there is none' : `one of ${known.join(', ')}`;
  return { path, message: `is "${value}": no ${what} is called so`, tryThis: near ?? all };
}

function* inCatalogue(
  path: string,
  id: string | undefined,
  what: string,
  known: readonly string[],
): Generator<Problem> {
  if (id !== undefined && !known.includes(id)) yield unknown(path, id, what, known);
}

function* converters(path: string, value: unknown): Generator<Problem> {
  if (typeof value !== 'object' || value === null || !('converter' in value)) return;
  yield* inCatalogue(`${path}.converter`, String(value.converter), 'converter of the catalogue', CONVERTER_IDS);
}

function* twice(path: (i: number) => string, ids: readonly string[]): Generator<Problem> {
  const seen = new Set<string>();
  for (const [i, id] of ids.entries()) {
    if (seen.has(id)) yield { path: path(i), message: `is "${id}": used twice`, tryThis: 'give each an id of its own' };
    seen.add(id);
  }
}

function* switches({ switches: all }: Scenario): Generator<Problem> {
  yield* twice(
    (i) => `switches[${i}].id`,
    all.map(({ id }) => id),
  );
  for (const [i, { device, supply, selfWatts }] of all.entries()) {
    const path = `switches[${i}]`;
    yield* inCatalogue(`${path}.device`, device, 'device of the catalogue', LOAD_IDS);
    yield* converters(`${path}.supply`, supply);
    if (device === undefined && selfWatts === undefined) {
      yield { path: `${path}.selfWatts`, message: 'is missing: expected watts', tryThis: 'a device of the catalogue' };
    }
  }
}

function* loads({ loads: all, switches: feeding }: Scenario): Generator<Problem> {
  const ids = feeding.map(({ id }) => id);
  yield* twice((i) => `loads[${i}].id`, all.map(loadId));
  for (const [i, one] of all.entries()) {
    const path = `loads[${i}]`;
    yield* inCatalogue(`${path}.device`, one.device, 'device of the catalogue', LOAD_IDS);
    for (const [j, extra] of one.plus.entries()) {
      const id = typeof extra === 'string' ? extra : extra.device;
      yield* inCatalogue(`${path}.plus[${j}]`, id, 'device of the catalogue', LOAD_IDS);
    }
    yield* converters(`${path}.converter`, one.converter);
    if (one.poe !== undefined && !ids.includes(one.poe)) yield unknown(`${path}.poe`, one.poe, 'switch', ids);
    if (ids.includes(loadId(one))) yield { path: `${path}.id`, message: `is "${loadId(one)}": a switch has this id` };
    if (one.device === undefined && one.watts === undefined) {
      yield { path: `${path}.watts`, message: 'is missing: expected watts', tryThis: 'a device of the catalogue' };
    }
    if (one.at === 'port' && one.poe === undefined) {
      yield { path: `${path}.at`, message: 'is "port": expected a load with poe', tryThis: 'input or wall' };
    }
  }
}

function* pack({ pack: planned, inverter, wishes }: Scenario): Generator<Problem> {
  yield* converters('inverter', inverter);
  if (typeof planned?.cell === 'string')
    yield* inCatalogue('pack.cell', planned.cell, 'cell of the catalogue', CELL_IDS);
  for (const [i, id] of (wishes.cells ?? []).entries()) {
    yield* inCatalogue(`wishes.cells[${i}]`, id, 'cell of the catalogue', CELL_IDS);
  }
  const [low, high] = wishes.busVolts ?? [1, 2];
  if (low >= high) yield { path: 'wishes.busVolts', message: `is [${low}, ${high}]: expected the lower voltage first` };
}

function* stages({ stages: all, loads: some, switches: others }: Scenario): Generator<Problem> {
  const known = [...some.map(loadId), ...others.map(({ id }) => id)];
  for (const [i, { off, atSoc, afterMinutes }] of all.entries()) {
    for (const [j, id] of off.entries()) {
      if (!known.includes(id)) yield unknown(`stages[${i}].off[${j}]`, id, 'load or switch', known);
    }
    if (atSoc === undefined && afterMinutes === undefined) {
      yield { path: `stages[${i}].atSoc`, message: 'is missing: expected atSoc or afterMinutes' };
    }
  }
}

function* profile({ profile: planned }: Scenario): Generator<Problem> {
  if (planned === undefined) return;
  for (const [i, { level, watts }] of planned.steps.entries()) {
    if ((level === undefined) === (watts === undefined)) {
      yield { path: `profile.steps[${i}]`, message: 'expected either a level or watts' };
    }
  }
  const { repeatHours: repeatH, startHour: startH, steps } = planned;
  const timed = steps.map(({ fromHour: fromH, untilHour: untilH }) => ({ watts: 0, fromH, untilH }));
  try {
    stretchesOf({ repeatH, startH, steps: timed }).next();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    yield { path: 'profile', message: message.replace(/\b(from|until|start)H\b/g, '$1Hour') };
  }
}
