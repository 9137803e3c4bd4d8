import { join } from 'node:path';
import { daly } from './daly.ts';
import { dalyModbus } from './daly-modbus.ts';
import { dalyP81 } from './daly-p81.ts';
import { diybms } from './diybms.ts';
import type { Driver } from './driver.ts';
import { ads1115 } from './i2c/ads1115.ts';
import { chipDriver } from './i2c/chip.ts';
import { i2cSensors } from './i2c/chips.ts';
import { ina219 } from './i2c/ina219.ts';
import { ina226 } from './i2c/ina226.ts';
import { ina228 } from './i2c/ina228.ts';
import { ina3221 } from './i2c/ina3221.ts';
import { max17040 } from './i2c/max17040.ts';
import { pijuice } from './i2c/pijuice.ts';
import { lm75, tmp102 } from './i2c/thermometers.ts';
import { jbd } from './jbd.ts';
import { jbdUp } from './jbd-up.ts';
import { jk } from './jk.ts';
import { jkModbus } from './jk-modbus.ts';
import { jkPb } from './jk-pb.ts';
import { builtInProfiles, loadProfile } from './load-profiles.ts';
import { nearNames } from './near.ts';
import { pace } from './pace.ts';
import { pylontech } from './pylontech.ts';
import { seplos } from './seplos.ts';
import { sunspec } from './sunspec.ts';
import { veDirect } from './ve-direct.ts';
import { voltronic } from './voltronic.ts';

interface Entry {
  readonly id: string;
  /** Other names that lead here: what the protocol notes and captures call the same thing. */
  readonly aliases?: readonly string[];
  readonly make: () => Driver;
}

/** Every built-in driver, one line each, sorted. Profiles are read from their files on first use. */
const DRIVERS: readonly Entry[] = [
  { id: 'ads1115', make: () => chipDriver(ads1115) },
  { id: 'daly', aliases: ['daly-a5'], make: () => daly },
  { id: 'daly-modbus', aliases: ['daly-modbus-d2'], make: () => dalyModbus },
  { id: 'daly-p81', aliases: ['daly-modbus-p81'], make: () => dalyP81 },
  { id: 'diybms', aliases: ['diybms-ring'], make: () => diybms },
  { id: 'diybms-current-monitor', make: profile('diybms-current-monitor') },
  { id: 'eg4-ll', make: profile('eg4-ll') },
  { id: 'epever-tracer', make: profile('epever-tracer') },
  { id: 'growatt-hybrid', make: profile('growatt-hybrid') },
  { id: 'heltec-modbus', make: profile('heltec-modbus') },
  { id: 'i2c-sensors', aliases: ['i2c', 'i2c-ina'], make: () => i2cSensors },
  { id: 'ina219', make: () => chipDriver(ina219) },
  { id: 'ina226', make: () => chipDriver(ina226) },
  { id: 'ina228', make: () => chipDriver(ina228) },
  { id: 'ina3221', make: () => chipDriver(ina3221) },
  { id: 'jbd', make: () => jbd },
  { id: 'jbd-up', make: () => jbdUp },
  { id: 'jk', aliases: ['jk-4e57'], make: () => jk },
  { id: 'jk-modbus', make: () => jkModbus },
  { id: 'jk-pb', aliases: ['jk-pb-rs485', 'jk-55aa-32s', 'jk-55aa-24s'], make: () => jkPb },
  { id: 'lm75', make: () => chipDriver(lm75) },
  { id: 'max17040', aliases: ['max17043', 'max17048', 'max17049'], make: () => chipDriver(max17040) },
  { id: 'pace', aliases: ['pace-rs232-v25'], make: () => pace },
  { id: 'pace-modbus', make: profile('pace-modbus') },
  { id: 'pijuice', make: () => chipDriver(pijuice) },
  { id: 'pylontech', aliases: ['pylontech-rs485'], make: () => pylontech },
  { id: 'pylontech-rt', make: profile('pylontech-rt') },
  { id: 'pzem-017', make: profile('pzem-017') },
  { id: 'renogy-battery', make: profile('renogy-battery') },
  { id: 'renogy-battery-pro', make: profile('renogy-battery-pro') },
  { id: 'renogy-rover', make: profile('renogy-rover') },
  { id: 'sdm120', make: profile('sdm120') },
  { id: 'sdm230', aliases: ['eastron-sdm'], make: profile('sdm230') },
  { id: 'sdm630', make: profile('sdm630') },
  { id: 'seplos', aliases: ['seplos-v2'], make: () => seplos },
  { id: 'seplos-v3', make: profile('seplos-v3') },
  { id: 'tmp102', make: () => chipDriver(tmp102) },
  { id: 'sunspec', make: () => sunspec },
  { id: 've-direct', make: () => veDirect },
  { id: 'victron-gx-battery', aliases: ['victron-gx'], make: profile('victron-gx-battery') },
  { id: 'victron-gx-system', make: profile('victron-gx-system') },
  { id: 'victron-gx-vebus', make: profile('victron-gx-vebus') },
  { id: 'voltronic', aliases: ['voltronic-pi30', 'voltronic-pi18'], make: () => voltronic },
];

/** Each driver is made once, on first use. */
const MADE = new Map<string, Driver>();

/** A driver id that nobody knows; `near` holds ids it may have meant. */
export class UnknownDriverError extends Error {
  readonly near: readonly string[];

  constructor(id: string, known: readonly string[]) {
    const near = nearNames(id, known);
    const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known drivers: ${known.join(', ')}`;
    super(`no driver is called "${id.slice(0, 64)}"; ${hint}`);
    this.name = 'UnknownDriverError';
    this.near = near;
  }
}

/** Ids of all drivers, sorted. `more` are drivers from a user's own profiles (`loadProfiles`). */
export function driverIds(more: readonly Driver[] = []): readonly string[] {
  return [...new Set([...DRIVERS.map(({ id }) => id), ...more.map(({ id }) => id)])].sort();
}

/** Other names of a driver. */
export function aliasesOf(id: string): readonly string[] {
  return DRIVERS.find((known) => known.id === id)?.aliases ?? [];
}

/**
 * The driver of an id or alias. A user's own driver (`more`) goes before a built-in one of the same id.
 * @throws UnknownDriverError with near names
 */
export function driverFor(id: string, more: readonly Driver[] = []): Driver {
  const own = more.find((driver) => driver.id === id);
  if (own !== undefined) return own;
  const entry = DRIVERS.find((known) => known.id === id) ?? DRIVERS.find((known) => known.aliases?.includes(id));
  if (entry === undefined) throw new UnknownDriverError(id, driverIds(more));
  const made = MADE.get(entry.id) ?? entry.make();
  MADE.set(entry.id, made);
  return made;
}

function profile(id: string): () => Driver {
  return () => loadProfile(join(builtInProfiles(), `${id}.yaml`));
}
