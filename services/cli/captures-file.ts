import { readFileSync } from 'node:fs';
import { bytesToHex, hexToBytes, parseRecording } from '#bridge';
import { messageOf, UserError } from '../runtime/errors.ts';
import type { CapturedExchange } from '../twin/devices/boards/replay.ts';

/** What a replayed device is made of: a file of captures as in `test/fixtures`, or a recording of `holdover record`. */
export interface Captures {
  readonly exchanges: readonly CapturedExchange[];
  /** Names of devices or protocols in it. */
  readonly protocols: readonly string[];
}

/**
 * Reads captures. Those that are expected to be refused are left out: they are damaged on purpose.
 * @param protocol only those of this protocol or profile, where the file has several
 * @throws UserError for a file that cannot be read or holds neither
 */
export function readCaptures(path: string, protocol?: string): Captures {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`${path} cannot be read: ${messageOf(error)}`);
  }
  const read = text.trimStart().startsWith('[') ? ofFixture(path, text, protocol) : ofRecording(path, text);
  if (read.exchanges.length > 0) return read;
  const names = read.protocols.length > 0 ? `it has ${read.protocols.join(', ')}` : 'nothing was recorded';
  throw new UserError(`${path} holds no exchange${protocol === undefined ? '' : ` of ${protocol}`}`, names);
}

interface Vector {
  readonly protocol?: string;
  readonly profile?: string;
  readonly request_hex?: string;
  readonly request_text?: string;
  readonly response_hex?: string;
  readonly text?: string;
  readonly expect?: Readonly<Record<string, unknown>>;
}

function ofFixture(path: string, text: string, protocol: string | undefined): Captures {
  try {
    const vectors = (JSON.parse(text) as readonly Vector[]).filter(({ expect }) => !isRefused(expect));
    const named = vectors.filter(
      (one) => protocol === undefined || nameOf(one) === protocol || one.protocol === protocol,
    );
    return {
      exchanges: named.map(exchangeOf).filter(({ response }) => response.length > 0),
      protocols: [...new Set(vectors.map(nameOf))],
    };
  } catch (error) {
    throw new UserError(`${path} is no file of captures: ${messageOf(error)}`, 'the form is that of test/fixtures/bms');
  }
}

const nameOf = ({ protocol = '', profile = protocol }: Vector): string => profile;
const isRefused = (expected: Vector['expect']): boolean =>
  expected?.error !== undefined || expected?.error_any_of !== undefined;

function exchangeOf({ request_hex, request_text, response_hex, text }: Vector): CapturedExchange {
  const latin1 = (characters: string) => Uint8Array.from(Buffer.from(characters, 'latin1'));
  const request =
    request_hex === undefined
      ? request_text === undefined
        ? undefined
        : latin1(request_text)
      : hexToBytes(request_hex);
  const response = response_hex === undefined ? latin1(text ?? '') : hexToBytes(response_hex);
  return request === undefined ? { response } : { request, response };
}

/** Each request with all that came until the next; what came before the first was said unasked. */
function ofRecording(path: string, text: string): Captures {
  try {
    const { header, chunks } = parseRecording(text);
    const exchanges: { request?: string; response: string }[] = [{ response: '' }];
    for (const { dir, hex } of chunks) {
      const last = exchanges.at(-1);
      if (dir === 'tx') exchanges.push({ request: bytesToHex(hexToBytes(hex)), response: '' });
      else if (last !== undefined) last.response += hex;
    }
    const found = exchanges
      .filter(({ response }) => response !== '')
      .map(({ request, response }) =>
        request === undefined
          ? { response: hexToBytes(response) }
          : { request: hexToBytes(request), response: hexToBytes(response) },
      );
    return { exchanges: found, protocols: [header.driver] };
  } catch (error) {
    throw new UserError(
      `${path} is neither captures nor a recording: ${messageOf(error)}`,
      'make one with `holdover record`',
    );
  }
}
