import { type Acceptance, bytesToHex, Cursor, latin1Bytes, Malformed, more } from '#bridge';
import { decoded, refused } from './decoded.ts';
import type { Decoded, ExchangeRead, Fields, RecordedExchange } from './driver.ts';
import {
  type AsciiFrame,
  asciiFrame,
  type FrameFault,
  frameSpans,
  isBattery,
  parseAsciiFrame,
  sameBytes,
} from './pylontech-frame.ts';

/**
 * Reads the INFO of one answer from the cursor, all of it.
 * @param asked INFO of the request, where it was recorded
 * @throws Malformed when the counters inside do not fit the length
 */
export type InfoLayout = (info: Cursor, asked: Uint8Array | undefined) => Fields;

/** What one maker puts into the common frame. */
export interface Dialect {
  readonly ver: number;
  /** Layout of the answer to each command (CID2) that is known. */
  readonly layouts: Readonly<Record<number, InfoLayout>>;
  /** Commands whose answers are recognised by their shape, when nobody recorded the request. */
  readonly recognised: readonly number[];
  /** Commands of the maker besides those with a layout, which mark a frame as a request. */
  readonly commands: readonly number[];
}

const RETURN_CODES: Readonly<Record<number, string>> = {
  1: 'ver_error',
  2: 'chksum_error',
  3: 'lchksum_error',
  4: 'cid2_invalid',
  5: 'command_format_error',
  6: 'data_invalid',
  7: 'no_history',
  144: 'adr_error',
  145: 'communication_error',
  225: 'cid1_invalid',
  226: 'execution_failed',
  227: 'device_fault',
  228: 'no_permission',
};
/** The device saw a damaged request: it may see the next one whole. */
const DAMAGED_REQUEST = [2, 3, 5];

const FAULTS: Readonly<Record<FrameFault | 'truncated', string>> = {
  header: 'no frame of the form ~ … CR',
  length_checksum: 'the check digit of the length does not match',
  length: 'the frame is not as long as it says',
  checksum: 'the checksum does not match',
  truncated: 'the frame ends before its CR',
};

/** A read of a driver; its answer is told from a late one to another question by its shape. */
export function dialectRead(
  dialect: Dialect,
  name: string,
  cadence: ExchangeRead['cadence'],
  [address, command, ...info]: readonly [number, number, ...number[]],
): ExchangeRead {
  const request = asciiFrame(dialect.ver, address, command, info);
  const asked = Uint8Array.from(info);
  return {
    name,
    cadence,
    request,
    accept: (received) => acceptAnswer(received, request, address, (frame) => fits(dialect, command, frame, asked)),
  };
}

function acceptAnswer(
  received: Uint8Array,
  request: Uint8Array,
  address: number,
  answers: (frame: AsciiFrame) => boolean,
): Acceptance<Uint8Array> {
  let fault: FrameFault | undefined;
  for (const { start, end } of frameSpans(received)) {
    if (end === undefined) return start === 0 ? more : { kind: 'skip', length: start, reason: fault ?? 'noise' };
    const bytes = received.subarray(start, end);
    const frame = parseAsciiFrame(bytes);
    if (typeof frame === 'string') {
      fault ??= frame;
      continue;
    }
    if (sameBytes(bytes, request) || frame.address !== address || !isBattery(frame)) continue;
    if (frame.cid2 !== 0) {
      const retryable = DAMAGED_REQUEST.includes(frame.cid2);
      return { kind: 'refuse', code: 'rtn', message: returnText(frame.cid2), retryable };
    }
    if (!answers(frame)) continue;
    return start === 0 ? { kind: 'take', value: bytes, length: end } : { kind: 'skip', length: start, reason: 'noise' };
  }
  if (received.length === 0) return more;
  if (fault !== undefined) return { kind: 'refuse', code: fault, message: FAULTS[fault] };
  return { kind: 'skip', length: received.length, reason: 'noise' };
}

function fits(dialect: Dialect, command: number, frame: AsciiFrame, asked: Uint8Array): boolean {
  const layout = dialect.layouts[command];
  return layout === undefined || infoFields(layout, frame, asked) !== undefined;
}

/** Decodes a recorded exchange of a dialect; pure, never throws. */
export function decodeDialect(dialect: Dialect, exchange: RecordedExchange): Decoded {
  const received = exchange.response ?? (exchange.text === undefined ? undefined : latin1Bytes(exchange.text));
  if (received === undefined || received.length === 0) return refused('timeout', 'the BMS did not answer');
  const asked = exchange.request === undefined ? undefined : parseAsciiFrame(exchange.request);
  const request = typeof asked === 'string' ? undefined : asked;

  const { good, fault } = scan(received, exchange.request);
  const [first] = good;
  if (first === undefined) {
    if (fault === undefined) return refused('timeout', 'only the echo of the request came');
    return refused(fault, FAULTS[fault]);
  }
  const answers = request === undefined ? good.filter((frame) => !isRequest(dialect, frame)) : good;
  if (answers.length === 0) {
    const { ver, address, cid2, info } = first;
    return decoded({ ver, address, cid2, infoHex: bytesToHex(info) });
  }
  const own = answers.find((frame) => request === undefined || frame.address === request.address);
  if (own === undefined) {
    const message = `asked address ${request?.address}, address ${first.address} answered`;
    return refused('wrong_address', message, { address: first.address });
  }
  const result = decodeAnswer(dialect, own, request);
  return result.ok && answers.length > 1 ? decoded({ frames: answers.length, ...result.fields }) : result;
}

/** The good frames that are not the echo of the request, and the first thing that was wrong. */
function scan(received: Uint8Array, request: Uint8Array | undefined) {
  const good: AsciiFrame[] = [];
  const spans = frameSpans(received);
  let fault: FrameFault | 'truncated' | undefined = spans.length === 0 ? 'header' : undefined;
  for (const { start, end } of spans) {
    const bytes = received.subarray(start, end);
    const frame = end === undefined ? 'truncated' : parseAsciiFrame(bytes);
    if (typeof frame === 'string') fault ??= frame;
    else if (request === undefined || !sameBytes(bytes, request)) good.push(frame);
  }
  return { good, fault };
}

function decodeAnswer(dialect: Dialect, frame: AsciiFrame, request: AsciiFrame | undefined): Decoded {
  const { ver, address, cid2: rtn, info } = frame;
  if (!isBattery(frame)) return refused('wrong_device', 'the frame is not of a battery (CID1 is not 46)');
  if (rtn !== 0) {
    const rtnName = RETURN_CODES[rtn];
    return refused('rtn', returnText(rtn), rtnName === undefined ? { rtn } : { rtn, rtnName });
  }
  const common = { ver, address, rtn };
  const commands = request === undefined ? dialect.recognised : [request.cid2];
  for (const command of commands) {
    const layout = dialect.layouts[command];
    const fields = layout === undefined ? undefined : infoFields(layout, frame, request?.info);
    if (fields !== undefined) return decoded({ ...fields, ...common });
  }
  const known = request !== undefined && dialect.layouts[request.cid2] !== undefined;
  if (known) return refused('short_payload', 'the counters of the answer do not fit its length');
  return decoded({ ...common, infoHex: bytesToHex(info), infoLength: info.length * 2, lengthValid: true });
}

/** undefined: the INFO is not of this layout. */
function infoFields(layout: InfoLayout, { info }: AsciiFrame, asked: Uint8Array | undefined): Fields | undefined {
  const cursor = new Cursor(info);
  try {
    const fields = layout(cursor, asked);
    return cursor.remaining === 0 ? fields : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function isRequest({ layouts, commands }: Dialect, { cid2 }: AsciiFrame): boolean {
  return layouts[cid2] !== undefined || commands.includes(cid2);
}

function returnText(rtn: number): string {
  const name = RETURN_CODES[rtn]?.replaceAll('_', ' ') ?? 'a code that no document has';
  return `the BMS answers return code ${rtn.toString(16).padStart(2, '0').toUpperCase()}: ${name}`;
}
