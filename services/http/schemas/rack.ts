import { z } from 'zod';

/** The rack as JSON. Output schemas describe and never clamp: an odd reading must not turn the answer into an error. */

const freshness = z.enum(['fresh', 'stale', 'absent']).meta({
  id: 'Freshness',
  description:
    '`fresh`: younger than the source allows. `stale`: too old to be taken as current. `absent`: none so far.',
});

const number = z.number().optional();

const observed = <Sample extends z.ZodType>(sample: Sample) =>
  z.object({
    sample: sample.optional(),
    receivedAtMs: z.number().optional().meta({ description: 'monotonic ms; compare with `monoMs` of the rack' }),
    ageMs: z.number().optional().meta({ description: 'age of the sample when this was answered' }),
    freshness,
    failure: z.object({ code: z.string(), message: z.string() }).optional(),
  });

const deviceAlarms = z
  .array(z.object({ code: z.string(), level: z.enum(['warning', 'protection']), detail: z.string().optional() }))
  .optional();

const boardLimits = z
  .object({
    cellMaxV: number,
    cellMinV: number,
    packMaxV: number,
    packMinV: number,
    chargeMaxC: number,
    chargeMinC: number,
    dischargeMaxC: number,
    dischargeMinC: number,
    chargeMaxA: number,
    dischargeMaxA: number,
    chemistry: z.enum(['lifepo4', 'lto', 'li-ion']).optional(),
  })
  .meta({ id: 'BoardLimits', description: 'Where a board itself opens its switches, as it is set.' });

const packSample = z
  .object({
    kind: z.literal('pack'),
    measuredAtMs: z.number(),
    voltageV: number,
    currentA: number,
    powerW: number,
    socRatio: number,
    sohRatio: number,
    remainingAh: number,
    fullAh: number,
    ratedAh: number,
    cycles: number,
    parallelModules: number,
    cellsV: z.array(z.number()).optional(),
    temperaturesC: z.array(z.number()).optional(),
    mosfetTemperatureC: number,
    balancingCells: z.array(z.number()).optional(),
    chargeFetClosed: z.boolean().optional(),
    dischargeFetClosed: z.boolean().optional(),
    alarms: deviceAlarms,
    limits: boardLimits.optional(),
    energyInWh: number,
    energyOutWh: number,
    timeToEmptyS: number,
    model: z.string().optional(),
    firmware: z.string().optional(),
    serial: z.string().optional(),
  })
  .meta({
    id: 'PackSample',
    description:
      'What one BMS said. Positive current and power charge the pack. An absent field is one it does not tell.',
  });

const meterSample = z
  .object({
    kind: z.literal('meter'),
    measuredAtMs: z.number(),
    voltageV: number,
    currentA: number,
    powerW: number,
    apparentVa: number,
    powerFactor: number,
    frequencyHz: number,
    importWh: number,
    exportWh: number,
  })
  .meta({ id: 'MeterSample', description: 'What an AC meter said. Positive power is drawn from mains.' });

const upsSample = z
  .object({
    kind: z.literal('ups'),
    measuredAtMs: z.number(),
    mainsPresent: z.boolean().optional(),
    inputVoltageV: number,
    inputFrequencyHz: number,
    outputVoltageV: number,
    outputFrequencyHz: number,
    loadPowerW: number,
    loadApparentVa: number,
    loadRatio: number,
    batteryVoltageV: number,
    batteryCurrentA: number,
    socRatio: number,
    runtimeS: number,
    temperatureC: number,
    mode: z.string().optional(),
    lowBattery: z.boolean().optional(),
    forcedShutdown: z.boolean().optional(),
    alarms: deviceAlarms,
    model: z.string().optional(),
    firmware: z.string().optional(),
    serial: z.string().optional(),
  })
  .meta({ id: 'UpsSample', description: 'What a UPS or an inverter said of mains, its load and its battery.' });

const portSample = z
  .object({
    port: z.string(),
    enabled: z.boolean().optional(),
    state: z.enum(['disabled', 'searching', 'delivering', 'fault', 'test', 'unknown']),
    powerW: number,
    voltageV: number,
    currentA: number,
    poeClass: number,
    priority: z.enum(['critical', 'high', 'low']).optional(),
    priorityRank: number,
    asSet: z.string().optional(),
    deniedCount: number,
  })
  .meta({ id: 'PortSample' });

const switchSample = z
  .object({
    kind: z.literal('switch'),
    measuredAtMs: z.number(),
    budgetW: number,
    drawnW: number,
    reservedW: number,
    guardW: number,
    admission: z.enum(['static', 'dynamic']).optional(),
    headroomW: number,
    unreservedW: number,
    dropOrder: z.array(z.string()).optional(),
    totalTrusted: z.boolean(),
    ports: z.array(portSample),
  })
  .meta({ id: 'SwitchSample' });

const hostSample = z.object({ kind: z.literal('host'), measuredAtMs: z.number(), reachable: z.boolean() });

const clusterSample = z
  .object({
    kind: z.literal('cluster'),
    measuredAtMs: z.number(),
    serverNowMs: z.number(),
    nodes: z.array(
      z.object({
        name: z.string(),
        ready: z.enum(['true', 'false', 'unknown']),
        unschedulable: z.boolean(),
        cordonedBy: z.string().optional(),
        bootId: z.string().optional(),
        heartbeatAtMs: number,
        evictablePods: z.number(),
        controlPlane: z.boolean(),
      }),
    ),
    missingRights: z.array(z.string()).optional(),
  })
  .meta({ id: 'ClusterSample' });

const bank = z
  .object({
    complete: z.boolean(),
    reckoned: z
      .array(z.string())
      .optional()
      .meta({ description: 'silent packs whose charge goes the way of the others' }),
    measuredAtMs: number,
    freshness,
    voltageV: number,
    currentA: number,
    powerW: number,
    socRatio: number,
    socSigma: number,
    packs: z
      .record(
        z.string(),
        z.object({ socRatio: z.number(), socSigma: z.number(), capacityAh: z.number().meta({ unit: 'Ah' }) }),
      )
      .optional()
      .meta({ description: 'our own count for each pack that is heard; its BMS may say something else' }),
    usableWh: number,
    usableLowWh: number,
    fullWh: number,
    runtimeS: number,
    weakestCellV: number,
    cellSpreadV: number,
  })
  .meta({ id: 'Bank', description: 'All packs on the DC bus as one source of energy, by the model of the service.' });

const mains = z
  .object({
    verdict: z.enum(['present', 'absent', 'unknown']),
    sinceMs: z.number().meta({ description: 'monotonic ms; compare with `monoMs` of the rack' }),
    votes: z.array(
      z.object({ source: z.string(), says: z.enum(['present', 'absent', 'silent']), because: z.string() }),
    ),
    disputed: z.boolean(),
  })
  .meta({ id: 'Mains', description: 'Utility power, and the evidence for and against its presence.' });

const circuit = z
  .object({ meters: z.array(z.string()).optional(), powerW: number, currentA: number, limitA: z.number(), freshness })
  .meta({ id: 'Circuit', description: 'The branch circuit by `meters`, added up; `limitA` is its continuous limit.' });

const alarm = z
  .object({
    code: z.string(),
    subject: z.string(),
    severity: z.enum(['info', 'warning', 'critical']),
    message: z.string(),
  })
  .meta({ id: 'RackAlarm' });

/** Everything known of the rack at one moment. */
export const rackSchema = z
  .object({
    wallMs: z.number(),
    monoMs: z.number(),
    packs: z.record(z.string(), observed(packSample)),
    bank,
    meters: z.record(z.string(), observed(meterSample)),
    ups: z.record(z.string(), observed(upsSample)).optional(),
    switches: z.record(z.string(), observed(switchSample)),
    hosts: z.record(z.string(), observed(hostSample)),
    cluster: observed(clusterSample).optional(),
    mains,
    circuit,
    forcedShutdown: z.object({ ups: z.string(), because: z.string() }).optional(),
    alarms: z.array(alarm),
  })
  .meta({ id: 'Rack', description: 'The latest sample of everything, each with its age. SI units, ratios 0..1.' });
