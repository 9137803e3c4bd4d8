import {
  fine,
  hex,
  ImplausibleError,
  type PseChannel,
  type PseChip,
  type PseReading,
  type PseRegisters,
  type PseWrite,
} from './i2c-registers.ts';

/**
 * TPS23861, LTC4266 and PD69104: four ports, and the same idea of a register map.
 *
 *     0C..0F  high nibble class, low nibble what was detected    44: class 4, valid
 *     10      low nibble powered, high nibble power is good      11: port 1 delivers
 *     12      two bits a port: 0 off, 1 manual, 2 semi-auto, 3 auto
 *     30..3F  current and voltage of each port, low byte first   AE 07 9A 39: 120 mA, 54.0 V
 *
 * A number and its high byte are read in one transaction, or a carry in between would make a wrong value.
 */

const STATUS = 0x0c;
const POWER = 0x10;
const MODE = 0x12;
const DETECT = 0x14;
const SENSE = 0x17;
const RESTART = 0x18;
const BUTTON = 0x19;
const IDENTITY = 0x1b;
const TEMPERATURE = 0x2c;
const INPUT = 0x2e;
const CURRENT = 0x30;
const PORTS = [0, 1, 2, 3] as const;

const MODES = ['off', 'manual', 'semi-auto', 'auto'] as const;
const DETECTIONS: Readonly<Record<number, string>> = {
  0: 'unknown',
  1: 'short',
  3: 'resistance low',
  4: 'valid',
  5: 'resistance high',
  6: 'open',
  8: 'mosfet fault',
  9: 'legacy',
  10: 'capacitance',
  11: 'capacitance',
  12: 'capacitance',
};
const OVERCURRENT = 7;
const MOSFET_FAULT = 8;
const CLASSIFICATIONS: Readonly<Record<number, string>> = {
  0: 'unknown',
  5: 'reserved',
  [OVERCURRENT]: 'overcurrent',
  8: 'mismatch',
};

/** What a port, and its supply, can have. */
const MOST_V = 60;
const MOST_A = 2;
const FOURTEEN_BITS = 0x3fff;

interface Scales {
  readonly voltV: number;
  readonly ampA: number;
  /** Which bits of a current and a voltage count. */
  readonly mask: number;
}

/** Powered, detected, mode of a port, from whichever registers are there. */
function channelOf(registers: PseRegisters, port: number, scales: Scales, nibbleMask: number): PseChannel {
  const figures = figuresOf(registers, port, scales);
  const status = registers.get(STATUS + port);
  const classed = status === undefined ? undefined : (status >> 4) & nibbleMask;
  const detected = status === undefined ? undefined : status & nibbleMask;
  const mode = MODES[((registers.get(MODE) ?? -1) >> (2 * port)) & 3];
  const known = registers.has(MODE) ? mode : undefined;
  const powered = bit(registers.get(POWER), port);
  const searches = bit(registers.get(DETECT), port);
  const enabled =
    known === undefined ? undefined : known !== 'off' && (powered === true || searches === undefined || searches);
  const good = bit(registers.get(POWER), port + 4);
  return {
    channel: port + 1,
    state: stateOf(powered, good, enabled, classed === OVERCURRENT || detected === MOSFET_FAULT),
    ...(enabled === undefined ? {} : { enabled }),
    ...(known === undefined ? {} : { mode: known }),
    ...(detected === undefined ? {} : { detection: DETECTIONS[detected] ?? 'unknown' }),
    ...classOf(classed),
    ...figures,
  };
}

function stateOf(
  powered: boolean | undefined,
  good: boolean | undefined,
  enabled: boolean | undefined,
  fault: boolean,
) {
  // Power that is good without having been switched on, or the other way round, is no state at all.
  if (powered === undefined || powered !== good) return 'unknown' as const;
  if (powered) return 'delivering' as const;
  if (enabled === undefined) return 'unknown' as const;
  if (!enabled) return 'disabled' as const;
  return fault ? ('fault' as const) : ('searching' as const);
}

/** Code 6 is class 0; code 0 is unknown. */
function classOf(code: number | undefined): Pick<PseChannel, 'poeClass' | 'classification'> {
  if (code === undefined) return {};
  if (code === 6) return { poeClass: 0 };
  return code >= 1 && code <= 4 ? { poeClass: code } : { classification: CLASSIFICATIONS[code] ?? 'unknown' };
}

function figuresOf(registers: PseRegisters, port: number, { voltV, ampA, mask }: Scales) {
  const rawCurrent = wordAt(registers, CURRENT + 4 * port);
  const rawVoltage = wordAt(registers, CURRENT + 4 * port + 2);
  if (rawCurrent === undefined || rawVoltage === undefined) return {};
  if (rawCurrent === 0xffff || rawVoltage === 0xffff)
    throw new ImplausibleError(`port ${port + 1} reads nothing but ones: the bus floats`);
  const voltageV = (rawVoltage & mask) * voltV;
  const currentA = (rawCurrent & mask) * ampA;
  if (voltageV > MOST_V || currentA > MOST_A)
    throw new ImplausibleError(`port ${port + 1} reads ${voltageV.toFixed(1)} V and ${currentA.toFixed(2)} A`);
  return { voltageV: fine(voltageV), currentA: fine(currentA), powerW: fine(voltageV * currentA) };
}

const bit = (byte: number | undefined, at: number): boolean | undefined =>
  byte === undefined ? undefined : ((byte >> at) & 1) === 1;

/** Low byte first. */
function wordAt(registers: PseRegisters, at: number): number | undefined {
  const [low, high] = [registers.get(at), registers.get(at + 1)];
  return low === undefined || high === undefined ? undefined : low + 256 * high;
}

function refuseFloating(registers: PseRegisters): void {
  if (registers.size > 0 && [...registers.values()].every((byte) => byte === 0xff))
    throw new ImplausibleError('nothing but ones: the bus floats, or the chip has no power');
}

/** With a sense resistor of 255 mohm, or 250 where the chip was told so. */
const tpsScales = (registers: PseRegisters): Scales => ({
  voltV: 0.003662,
  ampA: bit(registers.get(SENSE), 0) ? 62.26e-6 : 61.039e-6,
  mask: FOURTEEN_BITS,
});

const TPS_LEAST_INPUT_V = 44;
const TPS_MOST_INPUT_V = 57;

export const tps23861: PseChip = {
  id: 'tps23861',
  channels: 4,
  runs: [
    { at: STATUS, length: 9 },
    { at: SENSE, length: 1 },
    { at: TEMPERATURE, length: 20 },
  ],
  decode(registers): PseReading {
    refuseFloating(registers);
    const scales = tpsScales(registers);
    const input = wordAt(registers, INPUT);
    const temperature = registers.get(TEMPERATURE);
    return {
      channels: PORTS.map((port) => channelOf(registers, port, scales, 15)),
      ...(input === undefined ? {} : { inputV: fine((input & FOURTEEN_BITS) * scales.voltV) }),
      ...(temperature === undefined ? {} : { temperatureC: fine(temperature * 0.652 - 20) }),
    };
  },
  /** All asked ports in one write. On: detection and classification start again, and in auto mode power follows. */
  switching(channels, enabled, registers): readonly PseWrite[] {
    const { inputV = 0 } = tps23861.decode(registers);
    // The chip has no identity to ask for; one that does not see its supply is none, or cannot switch anything.
    if (inputV < TPS_LEAST_INPUT_V || inputV > TPS_MOST_INPUT_V)
      throw new ImplausibleError(`its supply reads ${inputV.toFixed(1)} V: that is no working TPS23861`);
    const bits = channels.reduce((mask, channel) => mask | (1 << (channel - 1)), 0);
    return enabled ? [[RESTART, bits | (bits << 4)]] : [[BUTTON, bits << 4]];
  },
  refusal: ({ mode }) =>
    mode === 'auto' ? undefined : `it is in ${mode ?? 'an unknown'} mode, in which power would not come back by itself`,
};

const LINEAR_SCALES: Scales = { voltV: 0.005835, ampA: 122.07e-6, mask: 0xffff };

export const ltc4266: PseChip = {
  id: 'ltc4266',
  channels: 4,
  runs: [
    { at: STATUS, length: 9 },
    { at: IDENTITY, length: 1 },
    { at: CURRENT, length: 16 },
  ],
  decode(registers) {
    refuseFloating(registers);
    const identity = registers.get(IDENTITY);
    if (identity !== undefined && identity !== 0x64)
      throw new ImplausibleError(`its identity is ${hex(identity)}, that of an LTC4266 is 0x64`);
    return { channels: PORTS.map((port) => channelOf(registers, port, LINEAR_SCALES, 15)) };
  },
};

const DEVICE = 0x43;
const PD_TEMPERATURE = 0x70;
const FAULTS = 0x75;
const BANK_BUDGETS = 0x89;
const BANK = 0x91;
const TOTAL = 0x97;

export const pd69104: PseChip = {
  id: 'pd69104',
  channels: 4,
  runs: [
    { at: STATUS, length: 9 },
    { at: IDENTITY, length: 1 },
    { at: CURRENT, length: 16 },
    { at: DEVICE, length: 1 },
    { at: PD_TEMPERATURE, length: 1 },
    { at: FAULTS, length: 2 },
    { at: BANK_BUDGETS, length: 15 },
  ],
  decode(registers) {
    refuseFloating(registers);
    const identity = registers.get(IDENTITY);
    const device = registers.get(DEVICE);
    if ((identity !== undefined && identity >> 3 !== 5) || (device !== undefined && device !== 0x44))
      throw new ImplausibleError('its identity is not that of a PD69104');
    const temperature = registers.get(PD_TEMPERATURE);
    const bank = registers.get(BANK);
    const budget = bank === undefined ? undefined : registers.get(BANK_BUDGETS + bank);
    const total = registers.get(TOTAL);
    return {
      channels: PORTS.map((port) => withFault(channelOf(registers, port, LINEAR_SCALES, 7), registers)),
      ...(temperature === undefined ? {} : { temperatureC: fine(temperature * 0.96 - 27) }),
      ...(budget === undefined ? {} : { budgetW: budget }),
      ...(total === undefined ? {} : { drawnW: total }),
    };
  },
};

function withFault(channel: PseChannel, registers: PseRegisters): PseChannel {
  const at = channel.channel - 1;
  const byte = registers.get(FAULTS + (at >> 1)) ?? 0;
  const fault = (byte >> (4 * (at & 1))) & 15;
  return fault !== 0 && channel.state === 'searching' ? { ...channel, state: 'fault' } : channel;
}
