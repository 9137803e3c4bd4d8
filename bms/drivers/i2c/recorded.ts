import { hexToBytes } from '#bridge';
import type { Fields, RecordedExchange, RecordedRegisters } from '../driver.ts';

/**
 * The registers of a recorded line: `{"chip"?, "registers": {"0x02": "fa00"}, "config"?: {"shunt_ohm": 0.1},
 * "smbus_words"?: {"0x02": 20688}, "transport_error"?: "NACK"}`. A word of SMBus has its low byte first.
 * @throws TypeError or Malformed when it is not of this form
 */
export function recordedRegisters(given: Fields): Pick<RecordedExchange, 'registers'> {
  const { chip, registers, config, smbus_words: words, transport_error: failure } = given;
  if (registers === undefined && words === undefined && failure === undefined) return {};
  if (chip !== undefined && typeof chip !== 'string') throw new TypeError('chip is not a string');
  if (failure !== undefined && typeof failure !== 'string') throw new TypeError('transport_error is not a string');
  const bytes = new Map<number, Uint8Array>();
  for (const [name, value] of Object.entries(objectAt('registers', registers))) {
    if (typeof value !== 'string') throw new TypeError(`registers.${name} is not a string`);
    bytes.set(numberOf(name), hexToBytes(value));
  }
  const told: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(objectAt('smbus_words', words))) {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffff)
      throw new TypeError(`smbus_words.${name} is not a word`);
    bytes.set(numberOf(name), Uint8Array.of(value & 0xff, value >> 8));
    told[`smbusWord${name}`] = value;
  }
  const recorded: RecordedRegisters = {
    ...(chip === undefined ? {} : { chip }),
    bytes,
    wiring: camelKeys(objectAt('config', config)),
    ...(failure === undefined ? {} : { failure: /^[a-z_]{1,32}$/i.test(failure) ? failure.toLowerCase() : 'failed' }),
    ...(Object.keys(told).length === 0 ? {} : { told }),
  };
  return { registers: recorded };
}

function objectAt(name: string, value: unknown): Fields {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new TypeError(`${name} is not an object`);
  return value as Fields;
}

function numberOf(name: string): number {
  if (!/^0x[0-9a-f]{1,2}$/i.test(name)) throw new TypeError(`${name.slice(0, 16)} is no register; write 0x02`);
  return Number(name);
}

const camelKeys = (fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key.replace(/_([a-z0-9])/g, (_, next: string) => next.toUpperCase()),
      value,
    ]),
  );
