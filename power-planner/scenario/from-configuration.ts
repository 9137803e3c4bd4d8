import { z } from 'zod';
import { type Problem, problemsOf } from './problems.ts';
import { type Scenario, scenarioSchema } from './schema.ts';

/**
 * The service's own configuration as a scenario. Only the keys the planner needs are read, in a shape of its own: whether the
 * rest is sound is the service's business (`holdover check`).
 */

/** Keys that only a configuration of the service has. */
const OWN_KEYS = [
  'site',
  'packs',
  'hosts',
  'shutdown',
  'mains',
  'meters',
  'cluster',
  'mqtt',
  'influx',
  'nut',
  'http',
  'notify',
];

/** Those of a file; none: it is a scenario. */
export const configurationKeys = (raw: object): readonly string[] => OWN_KEYS.filter((key) => key in raw);

const seconds = z
  .union([z.number().min(0), z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'a duration such as 30s, 5m or 2h')])
  .transform((value) => (typeof value === 'number' ? value : secondsOf(value)));

const UNIT_S: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

function secondsOf(text: string): number {
  const unit = text.replace(/[\d.]+/, '');
  return Number(text.slice(0, -unit.length)) * (UNIT_S[unit] ?? 1);
}

const configuration = z.looseObject({
  site: z
    .looseObject({
      name: z.string().default('rack'),
      circuit: z
        .looseObject({
          volts: z.number().min(80).max(260).default(110),
          breakerAmps: z.number().min(1).max(100).default(20),
          continuousRatio: z.number().min(0).max(1).default(0.8),
        })
        .prefault({}),
    })
    .prefault({}),
  packs: z
    .array(
      z.looseObject({
        id: z.string(),
        chemistry: z.enum(['lifepo4', 'lto']).optional(),
        cells: z.int().min(1).optional(),
        capacityAh: z.number().positive().optional(),
        resistanceOhm: z.number().positive().optional(),
        cutoffCellV: z.number().positive().optional(),
      }),
    )
    .default([]),
  switches: z.array(z.looseObject({ id: z.string(), budgetW: z.number().positive().optional() })).default([]),
  hosts: z
    .array(
      z.looseObject({
        id: z.string(),
        poe: z.string().optional(),
        powerW: z.number().min(0).default(10),
        haltTimeout: seconds.default(90),
      }),
    )
    .default([]),
  shutdown: z
    .looseObject({
      reserveRatio: z.number().min(0).max(1).default(0.1),
      margin: z.number().min(1).default(1.5),
      stages: z
        .array(
          z.looseObject({
            name: z.string(),
            hosts: z.array(z.string()),
            after: seconds.optional(),
            belowSoc: z.number().min(0).max(1).optional(),
          }),
        )
        .default([]),
    })
    .prefault({}),
});
type Configuration = z.infer<typeof configuration>;

type Converted =
  | {
      readonly ok: true;
      readonly scenario: Scenario;
      readonly source: 'configuration';
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What the service itself takes for a switch when none tells, W. */
const SWITCH_SELF_W = 20;

/** A configuration says little of the hardware between pack and hosts; every assumption is told in `notes`. */
export function fromConfiguration(raw: unknown): Converted {
  const parsed = configuration.safeParse(raw);
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error, raw, configuration) };
  const notes: string[] = [];
  const config = parsed.data;
  const { circuit } = config.site;
  const scenario = scenarioSchema.safeParse({
    name: config.site.name.slice(0, 80),
    circuit: {
      volts: circuit.volts,
      breakerAmps: circuit.breakerAmps,
      continuousRatio: Math.max(circuit.continuousRatio, 0.1),
    },
    switches: config.switches.map(({ id, budgetW }) => ({
      id,
      selfWatts: SWITCH_SELF_W,
      ...(budgetW !== undefined && { poeBudgetWatts: budgetW }),
    })),
    loads: config.hosts.map(({ id, poe, powerW }) => ({
      id,
      watts: powerW,
      ...(poe === undefined ? { at: 'wall' } : { at: 'port', poe: poe.split('/')[0] }),
    })),
    reserve: { ratio: config.shutdown.reserveRatio, margin: config.shutdown.margin },
    stages: stagesOf(config, notes),
    ...packOf(config, notes),
  });
  if (config.switches.length > 0) notes.push(`a switch takes ${SWITCH_SELF_W} W for itself`);
  notes.push('hosts draw their powerW, at the port or at the wall');
  if (!scenario.success) return { ok: false, problems: problemsOf(scenario.error, raw, scenarioSchema) };
  return { ok: true, scenario: scenario.data, source: 'configuration', notes };
}

/** A bank of packs side by side is planned as one pack of all their charge. */
function packOf({ packs }: Configuration, notes: string[]): object {
  const whole = packs.flatMap(({ chemistry, cells, capacityAh, ...rest }) =>
    chemistry === undefined || cells === undefined || capacityAh === undefined
      ? []
      : [{ ...rest, chemistry, cells, capacityAh }],
  );
  const [first] = whole;
  if (first === undefined) return {};
  const alike = whole.filter(({ chemistry, cells }) => chemistry === first.chemistry && cells === first.cells);
  if (alike.length < whole.length) notes.push(`only the packs like ${first.id} (${first.cells} cells) are counted`);
  const capacityAh = alike.reduce((sum, one) => sum + one.capacityAh, 0);
  const known = alike.flatMap(({ resistanceOhm }) => (resistanceOhm === undefined ? [] : [1 / resistanceOhm]));
  const siemens = known.reduce((sum, each) => sum + each, 0);
  return {
    pack: {
      cell: { chemistry: first.chemistry, capacityAh: Math.min(capacityAh, 10_000) },
      series: first.cells,
      ...(first.cutoffCellV !== undefined && { cutoffCellVolts: first.cutoffCellV }),
      ...(known.length === alike.length && { resistanceOhm: 1 / siemens }),
      fuse: 'unknown',
      // Packs side by side have a BMS and a fuse each; how many strings are inside one is not told.
      stringFuses: true,
    },
  };
}

/** What decides a stage's moment and can be planned: the time on battery, and the charge. */
function stagesOf({ shutdown, hosts }: Configuration, notes: string[]): object[] {
  const known = new Set(hosts.map(({ id }) => id));
  const stages = shutdown.stages.flatMap(({ name, hosts: off, after, belowSoc }) => {
    const there = off.filter((id) => known.has(id));
    if (there.length === 0 || (after === undefined && belowSoc === undefined)) return [];
    return [
      {
        name,
        off: there,
        ...(after !== undefined && { afterMinutes: Math.min(after / 60, 10_000) }),
        ...(belowSoc !== undefined && { atSoc: belowSoc }),
      },
    ];
  });
  if (stages.length < shutdown.stages.length) {
    notes.push('stages without `after` or `belowSoc` go down at the reserve, when the coordinator must');
  }
  return stages;
}
