import { z } from 'zod';
import {
  amperes,
  cellVolts,
  celsius,
  converter,
  count,
  hours,
  identifier,
  minutes,
  power,
  ratio,
  volts,
  watts,
  years,
} from './values.ts';

/** A scenario: the circuit, what hangs on it, the pack, and what is wanted. One schema is the truth for types, defaults and editors. */

const circuit = z.strictObject({
  volts: z.number().min(80).max(260).default(110).meta({ unit: 'V', description: 'the lowest voltage to expect' }),
  breakerAmps: z.number().min(1).max(100).default(20).meta({ unit: 'A' }),
  continuousRatio: z.number().min(0.1).max(1).default(0.8),
  plug: z.enum(['5-15P', '5-20P', 'L5-30P']).optional().meta({ description: 'through which the whole rack is fed' }),
  wire: z
    .strictObject({
      awg: z.int().min(0).max(24),
      lengthM: z.number().min(0.1).max(500).meta({ unit: 'm', description: 'one way' }),
      temperatureC: celsius.default(75),
    })
    .optional(),
});

const loadLevel = z.enum(['idle', 'typical', 'max']);

const poeSwitch = z.strictObject({
  id: identifier,
  device: z.string().min(1).optional().meta({ description: 'id of the catalogue of loads; fills in what is not told' }),
  count: count.default(1).meta({ description: 'such switches; the nodes are spread evenly over them' }),
  selfWatts: power.optional().meta({ description: 'for itself, without what goes out of its ports' }),
  poeBudgetWatts: watts.optional(),
  ports: z.int().min(1).max(128).optional().meta({ description: 'with PoE' }),
  portLimitWatts: watts.optional(),
  portVolts: z.number().min(12).max(60).default(53).meta({ unit: 'V' }),
  poeType: z.int().min(1).max(4).default(2).meta({ description: '1 af, 2 at, 3 and 4 bt' }),
  allocates: z.enum(['measured', 'class']).default('measured').meta({ description: 'how it counts its budget' }),
  supply: z
    .union([converter, z.literal('direct')])
    .optional()
    .meta({ description: 'between its input and its ports; direct: the pack’s own voltage goes to the ports' }),
  from: z.enum(['mains', 'pack']).default('mains'),
  powerFactor: z.number().min(0.1).max(1).default(0.95),
  nameplateWatts: watts.optional(),
});
export type SwitchPlan = z.infer<typeof poeSwitch>;

const load = z.strictObject({
  id: identifier.optional().meta({ description: 'how stages name it; the device when absent' }),
  device: z.string().min(1).optional().meta({ description: 'id of the catalogue of loads' }),
  count: count.default(1),
  watts: power.optional().meta({ description: 'of one; the catalogue’s when absent' }),
  plus: z
    .array(z.union([z.string().min(1), z.strictObject({ device: z.string().min(1), count: count.default(1) })]))
    .default([])
    .meta({ description: 'what each has on board, such as nvme: behind the same converter' }),
  at: z
    .enum(['input', 'port', 'wall'])
    .optional()
    .meta({ description: 'where its watts count: behind its converter, at the PoE port, or at the wall' }),
  poe: identifier.optional().meta({ description: 'id of the switch that feeds it' }),
  poeClass: z.int().min(0).max(8).optional(),
  cableM: z.number().min(0).max(100).default(5).meta({ unit: 'm' }),
  converter: converter
    .optional()
    .meta({ description: 'on the node (PoE), in its adapter (mains), or from the pack (from: pack)' }),
  from: z.enum(['mains', 'pack']).default('mains'),
  powerFactor: z.number().min(0.1).max(1).optional(),
  nameplateWatts: watts.optional().meta({ description: 'of one; for the circuit only, never for a runtime' }),
  inrushAmps: z.number().min(0).max(1000).optional().meta({ unit: 'A' }),
});
export type LoadPlan = z.infer<typeof load>;

const cell = z.union([
  z.string().min(1).meta({ description: 'id of the catalogue of cells, e.g. eve-lf280k' }),
  z.strictObject({
    chemistry: z.enum(['lifepo4', 'lto']),
    capacityAh: z.number().min(0.1).max(10_000).meta({ unit: 'Ah' }),
    resistanceMohm: z
      .number()
      .min(0.001)
      .max(1000)
      .optional()
      .meta({ unit: 'mohm', description: 'over minutes, not 1 kHz' }),
  }),
]);

const pack = z.strictObject({
  cell,
  series: z.int().min(1).max(400),
  parallel: z.int().min(1).max(100).default(1),
  cutoffCellVolts: cellVolts.optional().meta({ description: 'where the planner stops; the chemistry’s when absent' }),
  chargeCellVolts: cellVolts.optional(),
  bmsCutoffCellVolts: cellVolts.optional(),
  bmsAmps: amperes.optional(),
  wiringMohm: z.number().min(0).max(1000).default(2).meta({ unit: 'mohm', description: 'BMS, fuse, lugs and cable' }),
  resistanceOhm: z.number().min(0.00001).max(10).optional().meta({ unit: 'ohm', description: 'of the whole pack' }),
  fuse: z
    .union([
      z.literal(false),
      z.literal('unknown'),
      z.strictObject({ amps: amperes, breakingKiloamps: z.number().min(0.01).max(500).optional() }),
    ])
    .default(false),
  stringFuses: z.boolean().default(false),
  grade: z.string().max(40).default('unknown').meta({ description: 'of the cells, e.g. A' }),
  standbySoc: ratio.default(1).meta({ description: 'what it stands at while mains is there' }),
  indoors: z.boolean().default(true),
});
export type PackPlan = z.infer<typeof pack>;

const charger = z.strictObject({
  amps: amperes.optional().meta({ description: 'into the pack' }),
  watts: watts.optional().meta({ description: 'into the pack' }),
  efficiency: z.number().min(0.1).max(1).default(0.92),
  powerFactor: z.number().min(0.1).max(1).default(0.95),
  tailC: z.number().min(0.005).max(0.5).default(0.03).meta({ description: 'it stops at this rate' }),
});

const stage = z.strictObject({
  name: identifier,
  off: z.array(identifier).min(1).meta({ description: 'loads and switches that go off' }),
  atSoc: ratio.optional().meta({ description: 'when so much charge is left' }),
  afterMinutes: minutes.optional().meta({ description: 'so long after mains went away' }),
});

const profile = z.strictObject({
  repeatHours: z.number().min(0.1).max(8760).optional().meta({ unit: 'h', description: '24 for a day' }),
  startHour: hours.default(0).meta({ description: 'hour of the period at which mains goes away' }),
  steps: z
    .array(
      z.strictObject({
        fromHour: hours.optional(),
        untilHour: hours.optional(),
        level: loadLevel.optional(),
        watts: watts.optional().meta({ description: 'from the pack; instead of a level' }),
      }),
    )
    .min(1)
    .max(500),
});

const wishes = z.strictObject({
  hours: z
    .number()
    .min(0.01)
    .max(10_000)
    .optional()
    .meta({ unit: 'h', description: 'at the end of life, in the cold' }),
  years: years.optional().meta({ description: 'until 80 % of the capacity is left' }),
  chargeHours: z.number().min(0.1).max(1000).optional().meta({ unit: 'h' }),
  busVolts: z
    .tuple([volts, volts])
    .optional()
    .meta({ description: '[lowest, highest] the bus may have; a search takes 44 to 57 V when absent' }),
  chemistries: z
    .array(z.enum(['lifepo4', 'lto']))
    .min(1)
    .default(['lifepo4', 'lto']),
  cells: z.array(z.string().min(1)).min(1).optional().meta({ description: 'only these of the catalogue' }),
  maxMassKg: z.number().min(0.1).max(100_000).optional().meta({ unit: 'kg' }),
  maxCostUsd: z.number().min(1).max(10_000_000).optional().meta({ unit: 'USD' }),
  maxParallel: z.int().min(1).max(100).default(8),
  objective: z.enum(['cost', 'mass', 'hours']).default('cost'),
});

export const scenarioSchema = z.strictObject({
  name: z.string().min(1).max(80).default('rack'),
  circuit: circuit.prefault({}),
  switches: z.array(poeSwitch).max(200).default([]),
  loads: z.array(load).max(2000).default([]),
  level: loadLevel.default('typical').meta({ description: 'the load a runtime is asked for' }),
  packWatts: watts.optional().meta({ description: 'from the pack, when it is known: then the loads are not added up' }),
  inverter: converter.optional().meta({ description: 'between the pack and what needs mains' }),
  pack: pack.optional(),
  charger: charger.optional(),
  temperatureC: celsius.default(25),
  coldestC: celsius.default(10),
  ageYears: years.default(0),
  endHealth: z.number().min(0.3).max(1).default(0.8).meta({ description: 'share of the capacity that ends its life' }),
  use: z
    .strictObject({
      outagesPerYear: z.number().min(0).max(10_000).default(12),
      depth: ratio.default(0.8),
    })
    .prefault({}),
  reserve: z
    .strictObject({
      shutdownMinutes: minutes.default(6),
      margin: z.number().min(1).max(5).default(1.25),
      ratio: ratio.optional().meta({ description: 'instead: a share of the full pack' }),
    })
    .prefault({}),
  stages: z.array(stage).max(100).default([]).meta({ description: 'what goes off, in this order' }),
  profile: profile.optional(),
  wishes: wishes.prefault({}),
});

/** A validated scenario with its defaults. */
export type Scenario = z.infer<typeof scenarioSchema>;
export type LoadLevel = z.infer<typeof loadLevel>;
