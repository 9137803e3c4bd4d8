import { BridgeError, type ByteExchange } from '#bridge';
import type { SerialSwitchConfig } from '../config/serial-switch.ts';
import type { PortSample } from '../rack/samples.ts';
import { known as knownOnly } from './figures.ts';
import { ImplausibleError } from './i2c-registers.ts';
import type { ControlReading, PortControl } from './port-control.ts';
import { GROUP, type PortShort, type PseTotals } from './pse-dialects.ts';
import { type KnownMcu, PseMcu } from './pse-mcu.ts';
import {
  decodeExtended,
  decodeFigures,
  decodeManagement,
  type PseExtended,
  type PseManagement,
} from './pse-replies.ts';
import type { Failures } from './switching.ts';

/** The microcontroller that looks after the PoE of a switch (Broadcom and Realtek chips), on a serial line. */

/** Settings change when a person changes them. */
const SETTINGS_EVERY_MS = 60_000;
/** Pairs of port and value in one write. */
const PAIRS = 4;

interface Settings {
  readonly readMs: number;
  readonly extended: ReadonlyMap<number, PseExtended>;
  readonly management?: PseManagement;
}

/** A control over an exchange, which it closes at its end. */
export function serialControl(config: SerialSwitchConfig, exchange: ByteExchange): PortControl {
  const mcu = new PseMcu(exchange);
  const classes = new Map<number, number | undefined>();
  let settings: Settings | undefined;

  const numbers = ({ info }: KnownMcu): ReadonlyMap<string, number> => {
    const { ports } = config;
    if (ports === undefined) return new Map(Array.from({ length: info.ports }, (_, at) => [String(at + 1), at]));
    const beyond = Object.entries(ports).find(([, number]) => number >= info.ports);
    if (beyond === undefined) return new Map(Object.entries(ports));
    const said = `port ${beyond[0]} is number ${beyond[1]} in the configuration, the controller has 0 to ${info.ports - 1}`;
    throw new BridgeError('refused', mcu.name, said, { reason: 'bad_map', retryable: false });
  };

  const shortOf = async (known: KnownMcu, wanted: Iterable<number>, signal?: AbortSignal) => {
    const { dialect, info } = known;
    const firsts = new Set([...wanted].map((number) => number - (number % GROUP)));
    const found = new Map<number, PortShort>();
    for (const first of [...firsts].sort((a, b) => a - b)) {
      const question = {
        label: `states from ${first}`,
        command: dialect.commands.short,
        data: dialect.askShort(first, info.ports),
        decode: (frame: Uint8Array) => wholeGroup(dialect.decodeShort(frame, first), first, info.ports),
      };
      for (const short of await mcu.ask(question, signal)) found.set(short.port, short);
    }
    for (const [number, { state }] of found) if (state !== 'delivering') classes.delete(number);
    return found;
  };

  /** Undefined where this firmware does not tell. */
  const optional = async <T>(what: Promise<T>): Promise<T | undefined> => {
    try {
      return await what;
    } catch (error) {
      if (error instanceof BridgeError && ['not_implemented', 'implausible'].includes(error.reason ?? ''))
        return undefined;
      throw error;
    }
  };

  const settingsOf = async (known: KnownMcu, wanted: Iterable<number>, bank: number, signal?: AbortSignal) => {
    if (settings !== undefined && performance.now() - settings.readMs < SETTINGS_EVERY_MS) return settings;
    const { commands, bankAsSequence } = known.dialect;
    const extended = new Map<number, PseExtended>();
    for (const number of wanted) {
      const decode = (frame: Uint8Array) => decodeExtended(frame, number);
      const question = { label: `settings of ${number}`, command: commands.extended, data: [number], decode };
      const found = await optional(mcu.ask(question, signal));
      if (found !== undefined) extended.set(number, found);
    }
    const management = await optional(
      mcu.ask(
        {
          label: 'budget',
          command: commands.management,
          decode: decodeManagement,
          ...(bankAsSequence ? { sequence: bank } : {}),
        },
        signal,
      ),
    );
    settings = { readMs: performance.now(), extended, ...(management === undefined ? {} : { management }) };
    return settings;
  };

  const sampleOf = async (
    { dialect: { commands, decodeClass } }: KnownMcu,
    port: string,
    number: number,
    short: PortShort | undefined,
    signal?: AbortSignal,
  ): Promise<PortSample> => {
    if (short === undefined || short.state === 'unknown') return { port, state: 'unknown' };
    const { state } = short;
    const enabled = state !== 'disabled';
    if (state !== 'delivering') return { port, state, enabled, powerW: 0 };
    if (!classes.has(number)) {
      const decode = (frame: Uint8Array) => decodeClass(frame, number);
      const question = { label: `class of ${number}`, command: commands.status, data: [number], decode };
      classes.set(number, short.poeClass ?? (await optional(mcu.ask(question, signal))));
    }
    const decode = (frame: Uint8Array) => decodeFigures(frame, number);
    const figures = await optional(
      mcu.ask({ label: `figures of ${number}`, command: commands.figures, data: [number], decode }, signal),
    );
    const poeClass = classes.get(number);
    return {
      port,
      state,
      enabled,
      ...(figures === undefined
        ? {}
        : { powerW: figures.powerW, voltageV: figures.voltageV, currentA: figures.currentA }),
      ...(poeClass === undefined ? {} : { poeClass }),
    };
  };

  const refusals = (ports: Iterable<string>): ReadonlyMap<string, string> =>
    config.switching
      ? new Map()
      : new Map(
          [...ports].map((port) => [
            port,
            `port ${port} is not switched: set switching: true when the port map is known to be right; a wrong one cuts the power of others`,
          ]),
        );

  const read = async (signal?: AbortSignal): Promise<ControlReading> => {
    const known = await mcu.known(signal);
    const map = numbers(known);
    const { commands, decodeTotals } = known.dialect;
    const shorts = await shortOf(known, map.values(), signal);
    const totals: PseTotals = (await optional(
      mcu.ask({ label: 'totals', command: commands.totals, decode: decodeTotals }, signal),
    )) ?? { bank: 0 };
    const { extended, management } = await settingsOf(known, map.values(), totals.bank, signal);
    const ports: PortSample[] = [];
    for (const [port, number] of map) {
      const sample = await sampleOf(known, port, number, shorts.get(number), signal);
      const { priority, priorityRank } = extended.get(number) ?? {};
      ports.push({ ...sample, ...knownOnly({ priority, priorityRank }) });
    }
    const { drawnW, reservedW, usableW } = totals;
    const { budgetW = usableW, guardW, admission } = management ?? {};
    const told = knownOnly({ budgetW: budgetW || undefined, drawnW, reservedW, guardW, admission });
    return { ports, refusals: refusals(map.keys()), ...told };
  };

  const readSome = async (wanted: readonly string[], signal?: AbortSignal): Promise<ControlReading> => {
    const known = await mcu.known(signal);
    const map = numbers(known);
    const asked = wanted.flatMap((port) => map.get(port) ?? []);
    const shorts = await shortOf(known, asked, signal);
    const ports = wanted.flatMap((port): PortSample[] => {
      const number = map.get(port);
      if (number === undefined) return [];
      const state = shorts.get(number)?.state ?? 'unknown';
      return [{ port, state, ...(state === 'unknown' ? {} : { enabled: state !== 'disabled' }) }];
    });
    return { ports, refusals: refusals(map.keys()) };
  };

  /** Up to four ports in one frame. */
  const writeSome = async (
    known: KnownMcu,
    some: ReadonlyMap<string, number>,
    on: boolean,
    signal?: AbortSignal,
  ): Promise<[string, BridgeError][]> => {
    const asked = [...some.values()];
    const question = {
      label: `${on ? 'on' : 'off'} ${[...some.keys()].join(' ')}`,
      command: known.dialect.commands.enable,
      data: asked.flatMap((number) => [number, on ? 1 : 0]),
      decode: (frame: Uint8Array) => results(frame, asked),
    };
    try {
      const refused = await mcu.ask(question, signal);
      return [...some.keys()]
        .filter((_, at) => refused[at])
        .map((port) => [port, doubtful(`port ${port} was refused`)]);
    } catch (error) {
      const failure = error instanceof BridgeError ? error : doubtful(String(error));
      return [...some.keys()].map((port) => [port, failure]);
    }
  };
  // Not every firmware tells its results here: the state decides.
  const doubtful = (said: string) => new BridgeError('refused', mcu.name, said, { reason: 'bad_answer' });

  const write = async (ports: readonly string[], enabled: boolean, signal?: AbortSignal): Promise<Failures> => {
    if (!config.switching)
      throw new BridgeError('refused', mcu.name, 'switching: true is not set', { reason: 'read_only' });
    const known = await mcu.known(signal);
    const map = numbers(known);
    const places = ports.flatMap((port): [string, number][] => {
      const number = map.get(port);
      return number === undefined ? [] : [[port, number]];
    });
    const failures = new Map<string, BridgeError>();
    for (let from = 0; from < places.length; from += PAIRS)
      for (const [port, failure] of await writeSome(known, new Map(places.slice(from, from + PAIRS)), enabled, signal))
        failures.set(port, failure);
    return failures;
  };

  return { name: mcu.name, lookEveryMs: 500, read, readSome, write, close: () => mcu.close() };
}

/** Which ports of a write were refused. @throws ImplausibleError when it is the answer to another write */
function results(frame: Uint8Array, asked: readonly number[]): readonly boolean[] {
  return asked.map((number, at) => {
    if (frame[2 + 2 * at] !== number)
      throw new ImplausibleError(`wrote port ${number}, it tells of ${frame[2 + 2 * at]}`);
    return frame[3 + 2 * at] !== 0;
  });
}

/** Every port that was asked for, once. @throws ImplausibleError otherwise */
function wholeGroup(shorts: readonly PortShort[], first: number, ports: number): readonly PortShort[] {
  const told = new Set(shorts.map(({ port }) => port));
  for (let port = first; port < Math.min(first + GROUP, ports); port += 1)
    if (!told.has(port)) throw new ImplausibleError(`asked for port ${port}, it does not tell of it`);
  return shorts;
}
