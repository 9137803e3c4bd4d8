import { BridgeError, type I2cChip, type I2cExchange } from '#bridge';
import type { I2cSwitchConfig } from '../config/i2c-switch.ts';
import { toMilliwatts as round } from '../rack/budget.ts';
import type { PortSample } from '../rack/samples.ts';
import { pd690xx } from './i2c-pd690xx.ts';
import { ltc4266, pd69104, tps23861 } from './i2c-quad.ts';
import {
  ImplausibleError,
  type PseChannel,
  type PseChip,
  type PseReading,
  type PseRegisters,
} from './i2c-registers.ts';
import type { ControlReading, PortControl } from './port-control.ts';
import { sum } from './rfc3621.ts';
import type { Failures } from './switching.ts';

/** PSE controllers on an I2C bus of this machine as one switch: one chip or several, and which channels feed which port. */

const CHIPS: Readonly<Record<I2cSwitchConfig['chip'], PseChip>> = { tps23861, ltc4266, pd69104, pd690xx };

/** Channels are numbered through all chips, from 1, in the order of their addresses. */
interface Place {
  readonly address: number;
  readonly channel: number;
}

/** A control over PSE controllers. The bus stays the caller's. */
export function i2cControl(config: I2cSwitchConfig, bus: I2cExchange): PortControl {
  const chip = CHIPS[config.chip];
  const { addresses, mux } = config;
  const name = `${bus.name}:${chip.id}`;
  const ports = portMap(config, chip.channels);
  const placeOf = (channel: number): Place => ({
    address: addresses[Math.floor((channel - 1) / chip.channels)] ?? 0,
    channel: ((channel - 1) % chip.channels) + 1,
  });
  const converse = <T>(address: number, label: string, talk: (to: I2cChip) => Promise<T>, signal?: AbortSignal) =>
    bus.converse({ address, mux, label: `${chip.id} ${label}`, talk, ...(signal === undefined ? {} : { signal }) });

  const readThese = async (wanted: readonly string[], signal?: AbortSignal): Promise<ControlReading> => {
    const places = wanted.flatMap((port) => (ports.get(port) ?? []).map(placeOf));
    const readings = new Map<number, PseReading>();
    for (const address of new Set(places.map((place) => place.address))) {
      const registers = await converse(address, 'status', (to) => readRuns(chip, to), signal);
      readings.set(
        address,
        believed(name, address, () => chip.decode(registers)),
      );
    }
    const channelsOf = (port: string): PseChannel[] =>
      (ports.get(port) ?? []).flatMap((channel) => {
        const place = placeOf(channel);
        return readings.get(place.address)?.channels[place.channel - 1] ?? [];
      });
    const refusals = new Map<string, string>();
    for (const port of wanted) {
      const refusal = refusalOf(chip, config.switching, channelsOf(port));
      if (refusal !== undefined) refusals.set(port, `port ${port} is not switched: ${refusal}`);
    }
    const whole = [...readings.values()];
    const budgetW = sum(whole.map((reading) => reading.budgetW));
    const drawnW = sum(whole.map((reading) => reading.drawnW));
    return {
      ports: wanted.map((port) => portSample(port, channelsOf(port))),
      refusals,
      ...(budgetW === undefined ? {} : { budgetW }),
      ...(drawnW === undefined ? {} : { drawnW }),
    };
  };

  const write = async (wanted: readonly string[], enabled: boolean, signal?: AbortSignal): Promise<Failures> => {
    const { switching } = chip;
    const failures = new Map<string, BridgeError>();
    const byAddress = Map.groupBy(
      wanted.flatMap((port) => (ports.get(port) ?? []).map((channel) => ({ port, ...placeOf(channel) }))),
      ({ address }) => address,
    );
    for (const [address, places] of byAddress) {
      try {
        if (switching === undefined || !config.switching) throw new ImplausibleError(readOnly(chip, config.switching));
        const channels = places.map(({ channel }) => channel);
        await converse(
          address,
          enabled ? 'on' : 'off',
          async (to) => {
            const registers = await readRuns(chip, to);
            const writes = believed(name, address, () => switching(channels, enabled, registers));
            for (const bytes of writes) await to.write(Uint8Array.from(bytes));
          },
          signal,
        );
      } catch (error) {
        for (const { port } of places) failures.set(port, asFailure(error, name, address));
      }
    }
    return failures;
  };

  return {
    name,
    lookEveryMs: 250,
    read: (signal) => readThese([...ports.keys()], signal),
    readSome: (wanted, signal) =>
      readThese(
        wanted.filter((port) => ports.has(port)),
        signal,
      ),
    write,
    close: () => Promise.resolve(),
  };
}

/** Ports and the channels that feed them; without a map every channel is a port of its own. */
function portMap({ ports, addresses }: I2cSwitchConfig, perChip: number): ReadonlyMap<string, readonly number[]> {
  if (ports !== undefined) return new Map(Object.entries(ports));
  return new Map(Array.from({ length: addresses.length * perChip }, (_, at) => [String(at + 1), [at + 1]]));
}

async function readRuns({ runs, wide }: PseChip, chip: I2cChip): Promise<PseRegisters> {
  const registers = new Map<number, number>();
  for (const { at, length } of runs) {
    const bytes = await chip.transfer(wide ? Uint8Array.of(at >> 8, at & 0xff) : Uint8Array.of(at), length);
    if (wide) registers.set(at, (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0));
    else for (const [offset, byte] of bytes.entries()) registers.set(at + offset, byte);
  }
  return registers;
}

/** What a chip said, or a refusal. */
function believed<T>(name: string, address: number, what: () => T): T {
  try {
    return what();
  } catch (error) {
    throw asFailure(error, name, address);
  }
}

function asFailure(error: unknown, name: string, address: number): BridgeError {
  if (error instanceof BridgeError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const text = `0x${address.toString(16)}: ${said}`;
  const reason = error instanceof ImplausibleError ? 'implausible' : 'bad_answer';
  return new BridgeError('refused', name, text, { reason, retryable: true, cause: error });
}

const readOnly = ({ id, switching }: PseChip, allowed: boolean): string =>
  switching === undefined
    ? `the way to switch an ${id} is not documented`
    : allowed
      ? ''
      : 'set switching: true when the port map is known to be right; a wrong chip cuts the power of others';

function refusalOf(chip: PseChip, allowed: boolean, channels: readonly PseChannel[]): string | undefined {
  if (chip.switching === undefined || !allowed) return readOnly(chip, allowed);
  for (const channel of channels) {
    // One that is off is no matter; it is brought back as it was.
    const refusal = channel.enabled === false ? undefined : chip.refusal?.(channel);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** One port of its channels: two of them where all four pairs are fed. */
function portSample(port: string, channels: readonly PseChannel[]): PortSample {
  const [first] = channels;
  if (first === undefined) return { port, state: 'unknown' };
  const enabled = channels.some((each) => each.enabled === undefined)
    ? undefined
    : channels.some((each) => each.enabled === true);
  const delivering = channels.filter(({ state }) => state === 'delivering');
  const state =
    delivering.length > 0
      ? 'delivering'
      : channels.every((each) => each.state === first.state)
        ? first.state
        : 'unknown';
  const [fed = first] = delivering;
  const powerW = channels.every((each) => each.powerW !== undefined)
    ? sum(channels.map((each) => each.powerW))
    : undefined;
  const currentA = channels.every((each) => each.currentA !== undefined)
    ? sum(channels.map((each) => each.currentA))
    : undefined;
  return {
    port,
    state,
    ...(enabled === undefined ? {} : { enabled }),
    ...(powerW === undefined ? {} : { powerW: round(powerW) }),
    ...(fed.voltageV === undefined ? {} : { voltageV: round(fed.voltageV) }),
    ...(currentA === undefined ? {} : { currentA: round(currentA) }),
    ...(fed.poeClass === undefined || state !== 'delivering' ? {} : { poeClass: fed.poeClass }),
  };
}
