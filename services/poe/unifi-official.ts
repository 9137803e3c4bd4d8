import type { UnifiApiConfig } from '../config/switches.ts';
import type { PortSample, PortState } from '../rack/samples.ts';
import { WebError } from '../runtime/web-error.ts';
import { jsonOf, objectOf, WebLink } from '../runtime/web-link.ts';
import { known } from './figures.ts';
import type { ControlReading, PortControl } from './port-control.ts';

/**
 * A switch by the official integration interface of UniFi Network (v1): which ports are enabled and which have power.
 * It has neither watts nor a budget, and no way to switch a port off for good, so nothing is switched by it.
 */

const ROOT = '/proxy/network/integration/v1';
const PAGE = 100;
const MOST_PORTS = 999;
/** No console has so many sites or devices. */
const MOST_ITEMS = 5000;

const READ_ONLY = 'the official interface of UniFi can only power-cycle a port: use driver: unifi to switch it';

const STATES: Readonly<Record<string, PortState>> = { UP: 'delivering', LIMITED: 'delivering' };

/** `getDeviceDetails`. Pure; a port without `poe` has none. */
export function decodeUnifiDetails(details: unknown): ControlReading {
  const { interfaces } = objectOf(details);
  const { ports: list } = objectOf(interfaces);
  const refusals = new Map<string, string>();
  const ports = (Array.isArray(list) ? list : []).map(objectOf).flatMap(({ idx, poe }): PortSample[] => {
    if (
      !Number.isInteger(idx) ||
      Number(idx) < 1 ||
      Number(idx) > MOST_PORTS ||
      typeof poe !== 'object' ||
      poe === null
    )
      return [];
    const { enabled: told, state: word } = objectOf(poe);
    const enabled = typeof told === 'boolean' ? told : undefined;
    const down: PortState = enabled === false ? 'disabled' : enabled ? 'searching' : 'unknown';
    const state = word === 'DOWN' ? down : (STATES[String(word)] ?? 'unknown');
    refusals.set(String(idx), READ_ONLY);
    return [{ port: String(idx), state, ...known({ enabled }) }];
  });
  return { ports, refusals };
}

/** The items of one page, and whether more follow. Pure. @throws RangeError when it contradicts itself */
export function decodePage(page: unknown): {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  more: boolean;
} {
  const { offset, count, totalCount, data } = objectOf(page);
  if (!Array.isArray(data) || count !== data.length) throw new RangeError('count does not match the number of items');
  if (typeof offset !== 'number' || typeof totalCount !== 'number') throw new RangeError('a page without its place');
  return { items: data.map(objectOf), more: data.length > 0 && offset + data.length < totalCount };
}

/** The control of one switch; reads only. @param secrets `token` is the API key */
export function unifiApiControl(config: UnifiApiConfig, secrets: { token: string; ca?: string }): PortControl {
  const link = new WebLink('unifi-api', config, secrets.ca);
  const mac = config.device.toLowerCase();
  let place: string | undefined;

  const get = async (path: string, query?: string, signal?: AbortSignal): Promise<unknown> => {
    const answer = await link.request(
      {
        method: 'GET',
        path: `${ROOT}${path}${query === undefined ? '' : `?${query}`}`,
        headers: { 'x-api-key': secrets.token, accept: 'application/json' },
      },
      signal,
    );
    const what = `GET ${path}`;
    const fail = (reason: WebError['reason'], said: string) => new WebError(reason, link.name, `${what}: ${said}`);
    if (answer.status === 401) throw fail('credentials', 'the API key was turned down');
    if (answer.status === 403) throw fail('forbidden', 'not allowed');
    if (answer.status === 429) throw fail('rate_limited', 'too many requests');
    if (answer.status === 404) throw fail('rejected', 'not there: the interface came with Network 9.3');
    if (answer.status >= 500) throw fail('restarting', `answered with ${answer.status}`);
    if (answer.status !== 200) throw fail('rejected', `answered with ${answer.status}`);
    return jsonOf(answer, link.name, what);
  };
  const find = async (path: string, is: (item: Readonly<Record<string, unknown>>) => boolean, signal?: AbortSignal) => {
    for (let offset = 0; offset < MOST_ITEMS; ) {
      const page = await get(path, `offset=${offset}&limit=${PAGE}`, signal);
      let read: ReturnType<typeof decodePage>;
      try {
        read = decodePage(page);
      } catch (error) {
        throw new WebError('bad_answer', link.name, `GET ${path}: ${String(error)}`);
      }
      const found = read.items.find(is)?.id;
      if (typeof found === 'string') return encodeURIComponent(found);
      if (!read.more) return undefined;
      offset += read.items.length;
    }
    return undefined;
  };
  const placeOf = async (signal?: AbortSignal): Promise<string> => {
    const { site } = config;
    const siteId = await find('/sites', (each) => each.internalReference === site || each.name === site, signal);
    if (siteId === undefined) throw new WebError('rejected', link.name, `the controller knows no site ${site}`);
    const list = `/sites/${siteId}/devices`;
    const id = await find(list, (each) => String(each.macAddress).toLowerCase() === mac, signal);
    if (id === undefined) throw new WebError('rejected', link.name, `the controller knows no device ${mac}`);
    return `${list}/${id}`;
  };

  return {
    name: link.name,
    read: async (signal) => {
      place ??= await placeOf(signal);
      const details = await get(place, undefined, signal).catch((error: unknown) => {
        // It may have been adopted anew, with another id.
        place = undefined;
        throw error;
      });
      if (objectOf(details).state !== 'ONLINE')
        throw new WebError('restarting', link.name, `${mac} is not connected to its controller`);
      return decodeUnifiDetails(details);
    },
    write: () => Promise.reject(new WebError('rejected', link.name, READ_ONLY)),
    close: () => link.close(),
  };
}
