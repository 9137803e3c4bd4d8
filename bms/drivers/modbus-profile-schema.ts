import { z } from 'zod';
import { ALARM_CODES } from './alarm-codes.ts';

/**
 * The form of a Modbus profile: registers of one device, without code. Addresses are those of the PDU (0-based), values
 * become SI by `raw x scale + offset`, positive current charges the pack. Names are ours: `voltageV`, `currentA`,
 * `socRatio`, `cellsV`, `tempsC` …; any other name is decoded and shown, but is not part of a sample.
 */

const name = z.string().regex(/^[a-z][A-Za-z0-9]{0,40}$/, 'a name in camel case, unit at the end (voltageV)');
const bitName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,40}$/, 'lower case letters, digits, - and _');

/**
 * `strN`: N registers of text. `u8`, `s8`: bytes of registers; `sm8`: a byte of sign (bit 7) and magnitude.
 * `b8`, `b16`: that many coils or discrete inputs, the first one lowest.
 */
const type = z.union([
  z.enum(['u8', 's8', 'sm8', 'u16', 's16', 'u32', 's32', 'f32', 'b8', 'b16']),
  z.string().regex(/^str([1-9]|[1-5]\d|6[0-4])$/, 'u8, s8, sm8, u16, s16, u32, s32, f32, b8, b16 or str1 … str64'),
]);

/** high_first AB CD (Modbus usual), low_first CD AB, byte_swap BA DC, little DC BA. */
const order = z.enum(['high_first', 'low_first', 'byte_swap', 'little']);

/** 1 coils, 2 discrete inputs (addresses and lengths in bits), 3 holding and 4 input registers. */
const fc = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);

const names = z.record(z.string().regex(/^\d{1,10}$/, 'a number'), bitName);

const register = z.strictObject({
  fc: fc.optional(),
  addr: z.int().min(0).max(0xffff),
  type: type.optional(),
  order: order.optional(),
  scale: z.number().optional(),
  offset: z.number().optional(),
  /** A named unit of `transport.units`; the device's own unit when absent. */
  unit: name.optional(),
  /** Raw values that mean "not available". */
  na: z.array(z.number()).optional(),
  /** Plausible range of the scaled value; outside it is not available. */
  min: z.number().optional(),
  max: z.number().optional(),
  /** Makes a list: this many values one after the other. */
  count: z.int().min(1).max(125).optional(),
  /** Another value of this profile that says how many of the list are real. */
  countFrom: name.optional(),
  /** First byte of a u8, s8 or sm8. */
  byte: z.enum(['high', 'low']).optional(),
  mask: z.int().min(1).max(0xffff_ffff).optional(),
  shift: z.int().min(0).max(31).optional(),
  /** Words for numbers (after mask and shift). */
  enum: names.optional(),
  /** A list of names of set bits, or `numbers`: their 1-based numbers (balancing cells). */
  bits: z.union([z.literal('numbers'), z.record(z.string().regex(/^\d{1,2}$/, 'a bit number'), bitName)]).optional(),
  /** Parts of a status word whose numbers have names; they go before those of `bits`, a part that is 0 says nothing. */
  parts: z.array(z.strictObject({ mask: z.int().min(1).max(0xffff), names })).optional(),
  /** With `count`: the list becomes the names of those values that equal `equals` (0 no alarm, 1 warning, 2 alarm). */
  namesOf: z.strictObject({ equals: z.int(), names: z.array(bitName).min(1) }).optional(),
  /**
   * With `bits`, `parts` or `namesOf`: the names become alarms of this level. Names of our alarm codes and of `alarmCodes` map onto
   * those, others are the vendor's.
   */
  level: z.enum(['warning', 'protection']).optional(),
  /** One bit as true or false; `invert` turns it round. */
  bit: z.int().min(0).max(31).optional(),
  invert: z.boolean().optional(),
  /** `fast` (default): every poll. `slow`: about once a minute. `once`: after each connect. */
  cadence: z.enum(['fast', 'slow', 'once']).optional(),
  /** The device may lack it: read on its own, and an exception does not cost the others. */
  optional: z.boolean().optional(),
});
export type ProfileRegister = z.infer<typeof register>;

const computed = z.union([
  z.strictObject({ ratio: z.tuple([name, name]) }),
  /** Numbers and lists of numbers added up. */
  z.strictObject({ sum: z.array(name).min(1) }),
  /** Lists, one behind the other. */
  z.strictObject({ concat: z.array(name).min(2) }),
  /** Whether a word is one of some. */
  z.strictObject({ oneOf: z.tuple([name, z.array(bitName).min(1)]) }),
]);

/** Registers that are decoded when somebody recorded them, but are not polled: another unit or another view of the device. */
const table = z.strictObject({
  /** Only in the answers of this unit. */
  unit: z.int().min(0).max(255).optional(),
  /** Values that stand for the table itself, e.g. `service: vebus`. */
  says: z.record(name, bitName).default({}),
  registers: z.record(name, register),
});

const transport = z.strictObject({
  baud: z.int().min(300).max(4_000_000),
  format: z
    .string()
    .regex(/^[78][NEO][12]$/, 'such as 8N1')
    .default('8N1'),
  unit: z.int().min(0).max(255).default(1),
  /** Other units that some registers lie in, by name, with their usual numbers. */
  units: z.record(name, z.int().min(0).max(255)).default({}),
  /** Largest read the device answers. */
  maxRegisters: z.int().min(2).max(125).default(60),
  /** Pause before the next request, ms. */
  gapMs: z.int().min(0).max(5000).default(20),
  /** How many registers nobody wants may be read along to save a request; 0 where holes give exceptions. */
  mergeGap: z.int().min(0).max(60).default(0),
});

/** One profile file. Unknown keys are errors. */
export const profileSchema = z.strictObject({
  profile: z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'kebab-case'),
  /** Other names the same register map goes by. */
  aliases: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'kebab-case')).default([]),
  title: z.string().min(1),
  note: z.string().min(1),
  measures: z.enum(['pack', 'meter', 'ups']),
  transport,
  defaults: z
    .strictObject({ fc: fc.default(3), type: type.default('u16'), order: order.default('high_first') })
    .prefault({}),
  registers: z.record(name, register),
  /** Values that stand for the polled registers themselves. */
  says: z.record(name, bitName).default({}),
  /** Named for the reader; a name inside may be that of a polled register. */
  unpolled: z.record(name, table).default({}),
  /** Values made of others, where the device does not tell them itself. */
  computed: z.record(name, computed).default({}),
  /** Which of our alarm codes a name in a list with a `level` is. */
  alarmCodes: z.record(bitName, z.enum(ALARM_CODES)).default({}),
  /** Where a sample takes a value from instead of its own name; a list of names becomes a list; `omit` leaves it out. */
  sample: z.record(name, z.union([z.literal('omit'), name, z.array(name).min(1)])).default({}),
});
export type Profile = z.infer<typeof profileSchema>;
