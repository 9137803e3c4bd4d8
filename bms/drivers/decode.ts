import { hexToBytes, latin1Bytes } from '#bridge';
import type { Decoded, Driver, Fields, RecordedExchange, Refusal } from './driver.ts';
import { recordedRegisters } from './i2c/recorded.ts';
import { mappingFor } from './load-mappings.ts';
import type { MappingDriver } from './mapping.ts';
import { driverFor, UnknownDriverError } from './registry.ts';

/**
 * One recorded exchange as a JSON line in, what it says as a JSON line out: the decoded values, or
 * `{"error":{"code","message",…}}`. Never throws. Codes besides the drivers' own: `input` (the line is not what it should
 * be), `driver` and `profile` (unknown id).
 */
export function decodeLine(
  driverId: string,
  line: string,
  more: readonly Driver[] = [],
  mappings: readonly MappingDriver[] = [],
): string {
  return JSON.stringify(answer(driverId, line, more, mappings));
}

function answer(driverId: string, line: string, more: readonly Driver[], mappings: readonly MappingDriver[]): unknown {
  try {
    const input = readInput(line);
    const mapping = mappingFor(driverId, mappings);
    if (mapping !== undefined && !('code' in input)) {
      const read = mapping.decode(input);
      return read.ok ? read.fields : failure(read.error);
    }
    const driver = driverFor(driverId, more);
    if ('code' in input) return failure(input);
    const chosen = forProfile(driver, input.profile, more);
    const result: Decoded = 'code' in chosen ? { ok: false, error: chosen } : chosen.decode(input);
    return result.ok ? result.fields : failure(result.error);
  } catch (error) {
    if (error instanceof UnknownDriverError) return failure({ code: 'driver', message: error.message });
    return failure({ code: 'internal', message: error instanceof Error ? error.message : String(error) });
  }
}

/** A recorded exchange of a register device names its profile, which may be another one than was called. */
function forProfile(driver: Driver, profile: string | undefined, more: readonly Driver[]): Driver | Refusal {
  if (profile === undefined || driver.shape !== 'registers' || profile === driver.id) return driver;
  try {
    return driverFor(profile, more);
  } catch (error) {
    return { code: 'profile', message: error instanceof Error ? error.message : String(error) };
  }
}

function failure({ code, message, detail }: Refusal): unknown {
  return { error: { code, message, ...detail } };
}

function readInput(line: string): RecordedExchange | Refusal {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return input('not a JSON object');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return input('not a JSON object');
  const given = value as Record<string, unknown>;
  for (const key of ['request_hex', 'response_hex', 'request_text', 'text', 'topic', 'protocol', 'profile'] as const) {
    if (given[key] !== undefined && given[key] !== null && typeof given[key] !== 'string')
      return input(`${key} is not a string`);
  }
  const text = (key: string): string | undefined => (typeof given[key] === 'string' ? given[key] : undefined);
  try {
    const request = bytes(text('request_hex')) ?? latin1(text('request_text'));
    const response = bytes(text('response_hex'));
    const [protocol, profile, answerText] = [text('protocol'), text('profile'), text('text')];
    return {
      ...(protocol === undefined ? {} : { protocol }),
      ...(profile === undefined ? {} : { profile }),
      ...(request === undefined ? {} : { request }),
      ...(response === undefined ? {} : { response }),
      ...(answerText === undefined ? {} : { text: answerText }),
      ...(typeof given.topic === 'string' ? { topic: given.topic } : {}),
      ...contextOf(given.context),
      ...recordedRegisters(given),
    };
  } catch (error) {
    return input(error instanceof Error ? error.message : String(error));
  }
}

function contextOf(value: unknown): Pick<RecordedExchange, 'context'> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new TypeError('context is not an object');
  return { context: value as Fields };
}

function bytes(hex: string | undefined): Uint8Array | undefined {
  return hex === undefined ? undefined : hexToBytes(hex);
}

function latin1(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : latin1Bytes(text);
}

function input(what: string): Refusal {
  const form =
    '{"request_hex"?, "response_hex"?, "request_text"?, "text"?, "topic"?, "protocol"?, "profile"?, "context"?, "registers"?, "config"?}';
  return { code: 'input', message: `${what}; a line is a JSON object of the form ${form}` };
}
