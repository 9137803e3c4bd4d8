import { z } from 'zod';
import { chargerSchema } from './charger.ts';
import { clusterSchema } from './cluster.ts';
import { boardOptions, unitsOption } from './devices.ts';
import { energyPriceSchema, historySchema } from './history.ts';
import { hostSchema } from './hosts.ts';
import { sensorsOption, viaI2c } from './i2c.ts';
import { influxSchema } from './influx.ts';
import { viaHttp, viaMqtt } from './inputs.ts';
import { leaseSchema } from './lease.ts';
import { mqttSchema } from './mqtt.ts';
import { notifySchema } from './notify.ts';
import { nutSchema, upsEvidence, upsWith } from './nut.ts';
import { switchSchema } from './switches.ts';
import { duration, hostPort, identifier, interval, isTimeZone, ratio, seconds, secret } from './values.ts';

export type { ClusterConfig } from './cluster.ts';
export type { HostConfig } from './hosts.ts';
export type { InfluxConfig } from './influx.ts';
export type { MqttConfig } from './mqtt.ts';
export type { SnmpSwitchConfig } from './switches.ts';

/** The configuration file: one schema is the truth for types, defaults, validation and the JSON Schema for editors. */

const wire = z.union([
  z.strictObject({ serial: z.string().min(1), baud: z.int().min(300).max(4_000_000).optional() }),
  z.strictObject({ tcp: hostPort }),
  z.strictObject({
    modbusRtu: z.string().min(1),
    unit: z.int().min(0).max(247).optional(),
    units: unitsOption,
    baud: z.int().min(300).max(4_000_000).optional(),
  }),
  z.strictObject({ modbusTcp: hostPort, unit: z.int().min(0).max(255).optional(), units: unitsOption }),
  viaI2c,
]);
/** The way to a device that a driver of ours asks. */
export type Via = z.infer<typeof wire>;

const via = z.union([...wire.options, viaMqtt, viaHttp]);

const pack = z.strictObject({
  id: identifier,
  driver: z.string().min(1),
  via,
  chemistry: z.enum(['lifepo4', 'lto']),
  cells: z.int().min(1).max(48).meta({ description: 'cells in series' }),
  capacityAh: z.number().positive().max(100_000).meta({ unit: 'Ah' }),
  /** Pack resistance as a whole, ohm; estimated from the chemistry when absent. */
  resistanceOhm: z.number().positive().max(10).optional().meta({ unit: 'ohm' }),
  /** Voltage per cell where discharge must have stopped; the chemistry's own default otherwise. */
  cutoffCellV: z.number().positive().max(5).optional().meta({ unit: 'V' }),
  /** Capacity that is left against the rated one; the outage log of the history measures it. */
  capacityRatio: z.number().min(0.3).max(1.1).optional().meta({
    description: 'capacity that is left against capacityAh, 0.8 for a pack at the end of its life; 1 when absent',
  }),
  ...boardOptions,
  sensors: sensorsOption,
  every: interval(1),
  staleAfter: duration.optional(),
});
export type PackConfig = z.infer<typeof pack>;

const meter = z.strictObject({
  id: identifier,
  driver: z.string().min(1),
  via,
  every: interval(1),
  staleAfter: duration.optional(),
});
export type MeterConfig = z.infer<typeof meter>;

const ups = upsWith(via);
export type UpsConfig = z.infer<typeof ups>;

const stage = z.strictObject({
  name: identifier,
  hosts: z.array(identifier).min(1),
  /** At the latest so long after mains went away. */
  after: duration.optional(),
  /** At the latest when the state of charge is below this. */
  belowSoc: ratio.optional(),
  /** At the latest when the runtime left is below this. */
  belowRuntime: duration.optional(),
  /** At once when the load takes more than this share of the full bank in an hour. */
  fasterThan: z.number().positive().max(20).optional().meta({
    description: 'at once when the load would take more than this share of the full bank in an hour: 0.5 is half of it',
  }),
  /** At once while the clock is between these times. */
  between: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, 'times of day such as 22:00-06:30')
    .optional()
    .meta({ description: 'at once when mains is away between these times of day, such as 22:00-06:30' }),
  drainTimeout: seconds(120),
  /** How long a disruption budget may refuse before its pods are deleted. */
  pdbGrace: seconds(30),
});

const shutdown = z.strictObject({
  /** Energy that must be left when the last host is off, as a share of the full bank. */
  reserveRatio: ratio.default(0.1),
  /** Planned durations are multiplied by this. */
  margin: z.number().min(1).max(5).default(1.5),
  /** Mains must be away this long before anything happens. */
  confirmLoss: seconds(3),
  /** Mains must be back this long before a shutdown turns round. */
  confirmReturn: seconds(10),
  /** Expected durations, until better ones were measured. */
  expect: z.strictObject({ cordon: seconds(2), drain: seconds(30), halt: seconds(30), cut: seconds(5) }).prefault({}),
  restore: z
    .strictObject({
      /** Mains must be back this long before machines are started. */
      stableFor: seconds(60),
      /** And the bank must hold this much. */
      minSoc: ratio.default(0.2),
      /** Ports switched on together, and the pause between groups. */
      groupSize: z.int().min(1).max(48).default(4),
      groupEvery: seconds(10),
      offTime: seconds(5).meta({ description: 'shortest time a port stays off, so that the device really discharges' }),
    })
    .prefault({}),
  /**
   * Loud on purpose: the packs' outputs are switched off when everything is, and on when mains is back. Whoever lives
   * from those packs dies with them, this program too: it must have another source of power, and so must whoever tells
   * that mains is back.
   */
  lastAct: z
    .strictObject({
      packs: z.array(identifier).min(1),
      afterDark: duration.default(300).meta({ description: 'how long everything must have been off' }),
      thisMachineHasOtherPower: z.literal(true).meta({
        description: 'true: this machine, and a meter or UPS that sees mains, do not live from these packs',
      }),
    })
    .optional()
    .meta({ description: 'switch the output of packs off as the last act; never unless you say so' }),
  stages: z.array(stage).default([]),
  stateDir: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'where the journal lives; /var/lib/holdover when absent' }),
});

const evidence = z.union([
  z.strictObject({ meter: identifier, presentAboveV: z.number().positive().optional() }),
  z.strictObject({ pack: identifier, dischargeAboveA: z.number().positive().default(1) }),
  z.strictObject({
    canary: identifier.meta({ description: 'one of hosts: that has no battery behind it: it answers only with mains' }),
  }),
  ...upsEvidence,
]);

const http = z.strictObject({
  listen: hostPort.default('127.0.0.1:8470'),
  tokens: z
    .array(z.strictObject({ name: identifier, token: secret, write: z.boolean().default(false) }))
    .default([])
    .meta({ description: 'who may write; without any token nothing can be changed over HTTP' }),
  /** Reading needs a token too. */
  readToken: z.boolean().default(false),
});
export type HttpConfig = z.infer<typeof http>;

export const configSchema = z.strictObject({
  site: z
    .strictObject({
      name: identifier.default('rack'),
      energyPrice: energyPriceSchema.optional(),
      timeZone: z
        .string()
        .refine(isTimeZone, 'a time zone such as Europe/Berlin')
        .optional()
        .meta({ description: 'zone of the times of day in this file; that of the machine when absent' }),
      circuit: z
        .strictObject({
          volts: z.number().min(80).max(260).default(110).meta({ unit: 'V' }),
          breakerAmps: z.number().min(1).max(100).default(20).meta({ unit: 'A' }),
          continuousRatio: ratio.default(0.8),
          meters: z
            .array(identifier)
            .min(1)
            .optional()
            .meta({ description: 'the meters that measure it, added up; the first of `meters` when absent' }),
        })
        .prefault({}),
    })
    .prefault({}),
  packs: z.array(pack).default([]),
  profiles: z.string().min(1).optional().meta({
    description: 'folder with Modbus profiles and mappings of your own (*.yaml); a relative one counts from this file',
  }),
  mains: z.strictObject({ evidence: z.array(evidence).default([]) }).prefault({}),
  meters: z.array(meter).default([]),
  ups: z.array(ups).default([]),
  switches: z.array(switchSchema).default([]),
  hosts: z.array(hostSchema).default([]),
  cluster: clusterSchema.optional(),
  shutdown: shutdown.prefault({}),
  lease: leaseSchema.optional(),
  charger: chargerSchema.optional(),
  mqtt: mqttSchema.optional(),
  influx: influxSchema.optional(),
  nut: nutSchema.optional(),
  http: http.prefault({}),
  history: historySchema.prefault({}),
  notify: notifySchema.prefault({}),
});

/** A validated configuration with all defaults filled in. Durations are seconds. */
export type Config = z.infer<typeof configSchema>;
