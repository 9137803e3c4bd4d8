import { Bus, type BusOptions, type Turn } from './bus.ts';
import { BridgeError } from './errors.ts';
import type { RegisterExchange, RegisterRead } from './exchange.ts';
import { withCrc16Modbus } from './framing/crc.ts';
import { type ModbusCodec, modbusCodec, type RegisterQuestion } from './modbus-codec.ts';
import { type AnswerShape, acceptRtu, acceptTcp, exceptionOf, tcpFrame } from './modbus-frames.ts';
import { AnswersUnderWay } from './modbus-order.ts';
import { acceptRtuWrite, acceptWrite, type RegisterWrite, writeBody } from './modbus-write.ts';
import type { Question } from './reply.ts';
import { type TcpTransportOptions, tcpTransport } from './tcp.ts';
import type { ByteTransport } from './transport.ts';

/** Everything has a default: gap 10 ms (more than 3.5 characters from 4800 baud up), time-out 1000 ms, 2 tries. */
export type ModbusOptions = Partial<BusOptions>;

/**
 * Modbus RTU over a serial port, or over TCP to a gateway in transparent mode.
 * An exception of the device is a `BridgeError` `refused` with reason `exception-<code>`.
 */
export function modbusRtuExchange(transport: ByteTransport, options: ModbusOptions = {}): WritableExchange {
  const now = options.now ?? (() => performance.now());
  const bus = new Bus(transport, { gapMs: 10, timeoutMs: 1_000, tries: 2, ...options });
  const units = { lowestUnit: 1, highestUnit: 247 };
  return writable(bus, registerExchange(bus, units, rtuReader(bus, now)), (body) => ({
    bytes: withCrc16Modbus(body),
    accept: (received) => acceptRtuWrite(received, body),
  }));
}

/**
 * Modbus TCP: a device or a gateway that speaks it, usually on port 502. Options as for RTU, the gap 0.
 * @param place its address, or a connection to it that does more (records)
 */
export function modbusTcpExchange(
  place: TcpTransportOptions | ByteTransport,
  options: ModbusOptions = {},
): WritableExchange {
  const bus = new Bus('write' in place ? place : tcpTransport(place), {
    gapMs: 0,
    timeoutMs: 1_000,
    tries: 2,
    lateMs: 0,
    ...options,
  });
  let transaction = 0;
  const next = (): number => {
    transaction = (transaction % 0xffff) + 1;
    return transaction;
  };
  const units = { lowestUnit: 0, highestUnit: 255 };
  return writable(bus, registerExchange(bus, units, tcpReader(next)), (body) => {
    const own = next();
    return { bytes: tcpFrame(body, own), accept: (received) => acceptWrite(received, body, own) };
  });
}

/** One that can be written to. */
export interface WritableExchange extends RegisterExchange {
  /** Tried once: after a time-out nobody knows whether it was done. An exception is a `BridgeError` `refused`. */
  write(write: RegisterWrite): Promise<void>;
}

/** A write as it goes over the wire, and how its answer is recognised. */
type WriteFrame = (body: Uint8Array) => Pick<Question<{ readonly exception?: number }>, 'bytes' | 'accept'>;

function writable(bus: Bus, { name, read, close }: RegisterExchange, frame: WriteFrame): WritableExchange {
  return {
    name,
    get stats() {
      return bus.stats;
    },
    read,
    close,
    write: (write) => bus.run((turn) => writeOnce(bus.name, write, frame, turn), write.signal),
  };
}

async function writeOnce(name: string, write: RegisterWrite, frame: WriteFrame, { ask }: Turn): Promise<void> {
  const { unit, functionCode, address, values, timeoutMs } = write;
  const label = `unit ${unit} write ${functionCode} ${address}+${values.length}`;
  const { exception } = await ask({
    label,
    ...frame(writeBody(write)),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  if (exception !== undefined) throw exceptionError(name, label, exception);
}

/** One try of one question; resolves with the answer as an RTU frame. */
type Reader = (question: RegisterQuestion, codec: ModbusCodec, wire: Wire) => Promise<Uint8Array>;

interface Wire extends Turn {
  readonly timeoutMs: number | undefined;
}

function registerExchange(
  bus: Bus,
  units: { readonly lowestUnit: number; readonly highestUnit: number },
  reader: Reader,
): RegisterExchange {
  let codec: Promise<ModbusCodec> | undefined;
  return {
    name: bus.name,
    get stats() {
      return bus.stats;
    },
    close: () => bus.close(),
    async read(request) {
      const wrong = outOfRange(request, units);
      if (wrong) throw new BridgeError('refused', bus.name, wrong, { reason: 'bad-request', retryable: false });
      codec ??= modbusCodec();
      const ready = await codec;
      return bus.run(
        (turn) => bus.retry(request.tries, () => readOnce(bus.name, request, ready, reader, turn)),
        request.signal,
      );
    },
  };
}

async function readOnce(
  name: string,
  request: RegisterRead,
  codec: ModbusCodec,
  reader: Reader,
  turn: Turn,
): Promise<Uint16Array> {
  const { unit, table, address, count, timeoutMs } = request;
  const answer = await reader({ unit, table, address, count }, codec, { ...turn, timeoutMs });
  const exception = exceptionOf(answer);
  if (exception !== undefined) throw exceptionError(name, label(request), exception);
  try {
    return codec.decode(answer);
  } catch (cause) {
    const text = `${label(request)}: the answer could not be decoded`;
    throw new BridgeError('refused', name, text, { reason: 'framing', retryable: false, cause });
  }
}

/** Transaction numbers make answers unmistakable; nothing to keep track of. */
function tcpReader(next: () => number): Reader {
  return async (question, codec, { ask, timeoutMs }) => {
    const own = next();
    const shape = shapeOf(question);
    const answer = await ask({
      label: label(question),
      bytes: tcpFrame(codec.encode(question).subarray(0, -2), own),
      accept: (received) => acceptTcp(received, shape, own),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    return withCrc16Modbus(answer);
  };
}

/** A unit seen to answer twice is asked with a probe in between for this long. */
const distrustMs = 60_000;
/** Shorter than any frame: noise of a driver that switches on, not an answer. */
const shortestFrame = 5;

function rtuReader(bus: Bus, now: () => number): Reader {
  const byUnit = new Map<number, AnswersUnderWay>();
  let unaskedBefore = 0;
  let distrustUntilMs = Number.NEGATIVE_INFINITY;

  async function send(question: RegisterQuestion, codec: ModbusCodec, wire: Wire, order: AnswersUnderWay) {
    const shape = shapeOf(question);
    const { timeoutMs } = wire;
    const answer = await wire.ask({
      label: label(question),
      bytes: codec.encode(question),
      accept: (received) => acceptRtu(received, shape),
      onSend: () => order.sent(shape),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    order.arrived(shape, exceptionOf(answer) !== undefined);
    return answer;
  }

  /** Nothing may be sent to a unit while an answer is under way that could be taken for the answer. */
  async function resynchronise(question: RegisterQuestion, codec: ModbusCodec, wire: Wire, order: AnswersUnderWay) {
    const shape = shapeOf(question);
    if (order.confusable(shape) === 'no') return;
    const probe = order.probe(shape, question.count);
    if (probe) await send({ ...question, count: probe.count }, codec, wire, order);
    if (!probe || order.confusable(shape) === 'by its data') {
      const text = `an answer to an earlier question may still come, so ${label(question)} was not asked`;
      throw new BridgeError('timeout', bus.name, text, { reason: 'out-of-step' });
    }
  }

  return async (question, codec, wire) => {
    const order = byUnit.get(question.unit) ?? new AnswersUnderWay(now);
    byUnit.set(question.unit, order);
    await wire.settle();
    if (bus.unaskedBytes - unaskedBefore >= shortestFrame) distrustUntilMs = now() + distrustMs;
    unaskedBefore = bus.unaskedBytes;
    await resynchronise(question, codec, wire, order);
    const answer = await send(question, codec, wire, order);
    // Whoever answered without being asked may do so again, and later: its answer counts as still under way.
    if (now() < distrustUntilMs) order.sent(shapeOf(question));
    return answer;
  };
}

const functionCodes = { coil: 1, discrete: 2, holding: 3, input: 4 } as const;

function shapeOf({ unit, table, count }: RegisterQuestion): AnswerShape {
  const functionCode = functionCodes[table];
  return { unit, functionCode, byteCount: functionCode <= 2 ? Math.ceil(count / 8) : count * 2 };
}

function label({ unit, table, address, count }: RegisterQuestion): string {
  return `unit ${unit} ${table} ${address}+${count}`;
}

function outOfRange(
  request: RegisterRead,
  units: { readonly lowestUnit: number; readonly highestUnit: number },
): string | undefined {
  const { unit, table, address, count } = request;
  const most = functionCodes[table] <= 2 ? 2000 : 125;
  const within = (value: number, low: number, high: number) => Number.isInteger(value) && value >= low && value <= high;
  if (!within(unit, units.lowestUnit, units.highestUnit)) {
    return `unit ${unit} is outside ${units.lowestUnit}..${units.highestUnit}`;
  }
  if (!within(count, 1, most)) return `${label(request)}: one read is 1..${most} of these`;
  if (!within(address, 0, 0x10000 - count)) return `${label(request)}: addresses go from 0 to 65535`;
  return undefined;
}

/** "MODBUS Application Protocol" V1.1b3, chapter 7. Those that may pass: acknowledge, busy, parity, gateway. */
const exceptions: Readonly<Record<number, { readonly text: string; readonly passes?: true }>> = {
  1: { text: 'the device does not know this function' },
  2: { text: 'the device has no such register' },
  3: { text: 'the device does not allow this many registers in one read' },
  4: { text: 'the device failed' },
  5: { text: 'the device needs longer', passes: true },
  6: { text: 'the device is busy', passes: true },
  8: { text: 'the device found a parity error in its memory', passes: true },
  10: { text: 'the gateway has no path to the unit', passes: true },
  11: { text: 'the unit behind the gateway does not answer', passes: true },
};

function exceptionError(name: string, label: string, code: number): BridgeError {
  const known = exceptions[code];
  const text = `${label}: exception ${code}, ${known?.text ?? 'not in the standard'}`;
  return new BridgeError('refused', name, text, { reason: `exception-${code}`, retryable: known?.passes ?? false });
}
