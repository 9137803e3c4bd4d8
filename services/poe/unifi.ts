import type { UnifiConfig } from '../config/switches.ts';
import { WebError } from '../runtime/web-error.ts';
import { objectOf } from '../runtime/web-link.ts';
import type { PortControl } from './port-control.ts';
import { decodeUnifiDevice, onMode, parseFaithfully } from './unifi-device.ts';
import { entryBefore, entryNow, portOverrides, readAsSet, type UnifiWish } from './unifi-overrides.ts';
import { UnifiSession } from './unifi-session.ts';

/** A switch behind a UniFi Network controller (its older API; the official one cannot switch PoE). */
export function unifiControl(config: UnifiConfig, secrets: { password: string; ca?: string }): PortControl {
  const session = new UnifiSession(config, secrets);
  const mac = config.device.toLowerCase();
  /** What there was of each port before we cut it, for whoever powers it without knowing. */
  const before = new Map<number, UnifiWish>();
  /** @param parse where numbers must go out again as they came */
  const device = async (signal?: AbortSignal, parse: (text: string) => unknown = JSON.parse) => {
    const { data } = objectOf(parse(await session.call('GET', 'stat/device', undefined, signal)));
    const found = (Array.isArray(data) ? data : [])
      .map(objectOf)
      .find((each) => String(each.mac).toLowerCase() === mac);
    if (found === undefined) throw new WebError('rejected', session.name, `the controller knows no device ${mac}`);
    if (found.state !== 1) throw new WebError('restarting', session.name, `${mac} is not connected to its controller`);
    return found;
  };
  return {
    name: session.name,
    // A new value takes a while to come through the controller.
    lookEveryMs: 2000,
    read: async (signal) => decodeUnifiDevice(await device(signal), config),
    write: async (ports, enabled, signal, asSet) => {
      const stored = await device(signal, parseFaithfully);
      if (typeof stored._id !== 'string' || !Array.isArray(stored.port_overrides))
        throw new WebError('rejected', session.name, `${mac}: its overrides are not told, so they are not replaced`);
      const wishes = new Map<number, UnifiWish>();
      for (const port of ports) {
        const number = Number(port);
        // Of two management nodes, and of two lives, what was written down is the same; what is remembered is not.
        const earlier =
          readAsSet(asSet?.get(port)) ?? before.get(number) ?? entryBefore(stored, number, onMode(port, config));
        // A first try may have arrived although its answer did not: what is off already tells nothing new.
        if (!enabled) before.set(number, entryNow(stored, number) ?? earlier);
        wishes.set(number, enabled ? earlier : 'off');
      }
      const body = { port_overrides: portOverrides(stored, wishes) };
      await session.call('PUT', `rest/device/${encodeURIComponent(stored._id)}`, body, signal);
      return new Map();
    },
    close: () => session.close(),
  };
}
