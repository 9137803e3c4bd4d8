import { decodeMikrotikPort } from '../poe/mikrotik.ts';
import { asksForLogin, decodeGs30xStatus, decodeGs316Status } from '../poe/netgear-pages.ts';
import { decodeOpenwrtInfo } from '../poe/openwrt.ts';
import type { ControlReading } from '../poe/port-control.ts';
import { controlSample } from '../poe/port-control.ts';
import { decodeUnifiDevice } from '../poe/unifi-device.ts';
import { decodeUnifiDetails } from '../poe/unifi-official.ts';
import { decodePseChip, PSE_CHIPS } from './decode-pse-chip.ts';
import { decodePseFrame } from './decode-pse-frame.ts';
import { Undecodable } from './undecodable.ts';

/**
 * What PoE switches say, for `holdover decode`: a line holds what the switch answered, as JSON under `input`, as a page under
 * `html`, as a `frame` in hex, or as `registers`; what comes out is what the driver would make of it.
 */

type Line = Readonly<Record<string, unknown>>;

const DECODERS: Readonly<Record<string, (line: Line) => unknown>> = {
  mikrotik: ({ input }) => {
    const rows = (Array.isArray(input) ? input : [input]).map(rowOf);
    if (!rows.every(({ name }) => typeof name === 'string'))
      throw new Undecodable('bad_answer', 'a row without a name');
    return told({ ports: rows.map((row) => decodeMikrotikPort(row, row)) });
  },
  openwrt: ({ input }) => told(withPorts(decodeOpenwrtInfo(rowOf(input)))),
  unifi: ({ input }) => {
    const { meta, data } = rowOf(input);
    const { rc, msg } = Object(meta) as Line;
    if (rc === 'error') throw new Undecodable('rejected', String(msg).slice(0, 100));
    const device = Array.isArray(data) ? data.map(Object).find(({ type }) => type === 'usw') : input;
    if (Object(device).state === 0)
      throw new Undecodable('restarting', 'the switch is not connected to its controller');
    return told(withPorts(decodeUnifiDevice(device)));
  },
  'unifi-api': ({ input }) => told(withPorts(decodeUnifiDetails(rowOf(input)))),
  'netgear-plus': ({ html }) => {
    if (typeof html !== 'string') throw new Undecodable('input', 'no page: give {"html":"<ul>…"}');
    if (asksForLogin(html)) throw new Undecodable('login_required', 'the page asks for a login');
    return told(withPorts({ ports: html.includes('port-wrap') ? decodeGs316Status(html) : decodeGs30xStatus(html) }));
  },
  'poe-serial': ({ frame }) => decodePseFrame(frame),
};

/** What `holdover decode` knows besides the drivers of packs, meters and UPSes. */
export const switchDecoders = (): readonly string[] => [...Object.keys(DECODERS), ...PSE_CHIPS].toSorted();

/** The answer to one line, as a line. Never throws. */
export function decodeSwitchLine(driver: string, text: string): string {
  try {
    const line = rowOf(JSON.parse(text));
    const decoder = Object.hasOwn(DECODERS, driver) ? DECODERS[driver] : undefined;
    return JSON.stringify(decoder === undefined ? decodePseChip(driver, line) : decoder(line));
  } catch (error) {
    if (error instanceof Undecodable) return JSON.stringify({ error: { code: error.code, message: error.message } });
    const code = error instanceof SyntaxError || error instanceof TypeError ? 'input' : 'implausible';
    return JSON.stringify({ error: { code, message: error instanceof Error ? error.message : String(error) } });
  }
}

/** As the service would have it, without the time. */
function told(reading: ControlReading): object {
  const { kind: _, measuredAtMs: __, ...sample } = controlSample(reading, 0);
  return sample;
}

function withPorts(reading: ControlReading): ControlReading {
  if (reading.ports.length === 0) throw new Undecodable('bad_answer', 'it tells of no PoE port');
  return reading;
}

function rowOf(value: unknown): Line {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Undecodable('input', 'the answer is no object: give {"input":{…}}');
  return value as Line;
}
