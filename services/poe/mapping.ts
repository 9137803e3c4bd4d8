import { onOrOff, valueAt } from '#bms';
import type { Mapping } from '../config/switches.ts';
import type { PortSample } from '../rack/samples.ts';
import { known, watts } from './figures.ts';

/** Understanding what a user's own command or request says of ports. */

/** `{port}` replaced in a text of the configuration. */
export const withPort = (text: string, port: string): string => text.replaceAll('{port}', port);

/** One port, out of an answer. Pure, never throws: what is not there is unknown. */
export function decodeMapped(answer: string, mapping: Mapping, port: string): PortSample {
  return 'json' in mapping ? fromJson(parsed(answer), mapping, port) : fromText(answer, mapping.text, port);
}

/** Is the answer of the kind the mapping wants? */
export const isReadable = (answer: string, mapping: Mapping): boolean =>
  'text' in mapping || parsed(answer) !== undefined;

function parsed(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return undefined;
  }
}

function fromJson(value: unknown, { json, on, off }: Extract<Mapping, { json: object }>, port: string) {
  const enabled = onOrOff(at(value, json.enabled, port), on, off);
  const delivering = json.delivering === undefined ? undefined : onOrOff(at(value, json.delivering, port));
  const powerW = json.powerW === undefined ? undefined : watts(at(value, json.powerW, port));
  return sample(port, enabled, delivering, powerW);
}

function fromText(answer: string, text: Extract<Mapping, { text: object }>['text'], port: string): PortSample {
  const match = (pattern: string) => new RegExp(withPort(pattern, escaped(port)), 'm').exec(answer);
  const on = match(text.on) !== null;
  const off = match(text.off) !== null;
  const powerW = text.powerW === undefined ? undefined : watts(match(text.powerW)?.[1]);
  // Both or neither: it does not tell.
  return sample(port, on === off ? undefined : on, undefined, powerW);
}

function sample(
  port: string,
  enabled: boolean | undefined,
  delivering: boolean | undefined,
  powerW: number | undefined,
): PortSample {
  const fed = delivering ?? (powerW !== undefined && powerW > 0 ? true : undefined);
  const state = fed ? 'delivering' : enabled === false ? 'disabled' : fed === false ? 'searching' : 'unknown';
  return { port, state, ...known({ enabled, powerW }) };
}

/** The value at a path such as `ports.{port}.on`; a port with a dot in it is one step. */
const at = (value: unknown, path: string, port: string): unknown =>
  valueAt(value, path, (step) => withPort(step, port));

const escaped = (port: string): string => port.replace(/[.-]/g, '\\$&');
