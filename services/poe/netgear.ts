import { NETGEAR_BUDGETS_W } from '../config/netgear-switch.ts';
import type { NetgearConfig } from '../config/switches.ts';
import type { PortSample } from '../rack/samples.ts';
import { quoted, WebError } from '../runtime/web-error.ts';
import { WebLink } from '../runtime/web-link.ts';
import { gs30x, gs316 } from './netgear-family.ts';
import type { PlusSettings } from './netgear-pages.ts';
import { NetgearSession } from './netgear-session.ts';
import { type ControlReading, oneByOne, type PortControl } from './port-control.ts';

/** Netgear "Plus" switches with PoE (GS305EP to GS316EPP) by their web pages: ports by their numbers. */
export function netgearControl(config: NetgearConfig, secrets: { password: string; ca?: string }): PortControl {
  const family = config.model.startsWith('gs316') ? gs316 : gs30x;
  const link = new WebLink('netgear', config, secrets.ca);
  const session = new NetgearSession(link, family, secrets.password, config.pageGap * 1000);

  const settings = async (signal?: AbortSignal): Promise<PlusSettings> => {
    const read = family.decodeSettings(await session.page((at) => family.settings(at), signal));
    if (read.ports.length === 0) throw unlike(link.name, 'page of PoE settings');
    return read;
  };
  const read = async (signal?: AbortSignal): Promise<ControlReading> => {
    const status = family.decodeStatus(await session.page((at) => family.status(at), signal));
    if (status.length === 0) throw unlike(link.name, 'page of PoE states');
    return { ...joined(status, await settings(signal)), budgetW: NETGEAR_BUDGETS_W[config.model] };
  };
  const write = async (port: string, enabled: boolean, stored: PlusSettings, signal?: AbortSignal): Promise<string> => {
    const setting = stored.ports.find((each) => each.port === port);
    if (setting?.form === undefined) throw new WebError('rejected', link.name, notTold(port));
    const said = await session.page((at) => family.write(at, setting, enabled, stored.hash), signal);
    return said.trim();
  };

  return {
    name: link.name,
    lookEveryMs: 2000,
    read,
    write: async (ports, enabled, signal) => {
      let stored = await settings(signal);
      return oneByOne(
        ports,
        async (port) => {
          let said = await write(port, enabled, stored, signal);
          if (said === 'CHECK HASH FAILED') {
            stored = await settings(signal);
            said = await write(port, enabled, stored, signal);
          }
          if (said !== 'SUCCESS')
            throw new WebError('rejected', link.name, `port ${port} was answered with "${quoted(said)}"`);
        },
        (error) => (error instanceof WebError ? error : new WebError('bad_answer', link.name, String(error))),
      );
    },
    close: () => session.close(),
  };
}

const unlike = (name: string, what: string): WebError =>
  new WebError('bad_answer', name, `the ${what} tells of no port: check the model, or its firmware has other pages`);

const notTold = (port: string): string => `port ${port}: not all of its settings are told, so they cannot be kept`;

/** States and settings of the ports as one reading. Pure. */
export function joined(status: readonly PortSample[], { ports: settings }: PlusSettings): ControlReading {
  const refusals = new Map<string, string>();
  const ports = status.map((seen): PortSample => {
    const setting = settings.find(({ port }) => port === seen.port);
    if (setting?.form === undefined) refusals.set(seen.port, notTold(seen.port));
    const enabled = setting?.enabled ?? (seen.state === 'disabled' ? false : undefined);
    // In another language than English only the setting tells that a port is off.
    const state = seen.state === 'unknown' && enabled === false ? 'disabled' : seen.state;
    return {
      ...seen,
      state,
      ...(enabled === undefined ? {} : { enabled }),
      ...(setting?.priority === undefined ? {} : { priority: setting.priority }),
    };
  });
  return { ports, refusals };
}
