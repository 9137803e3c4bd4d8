import { randomBytes } from 'node:crypto';
import type { World, WorldPort } from '../../model.ts';
import { NetgearSessions } from './netgear-sessions.ts';
import { figuresOf } from './port-figures.ts';
import type { Asked, Said, WebFace } from './web-face.ts';

export interface NetgearOptions {
  readonly password: string;
  /** How many of the world's ports it has. */
  readonly ports: number;
}

/** What the world knows nothing of; a write without one of these sets it to its default. */
interface Kept {
  mode: string;
  limitType: string;
  limit: string;
  detect: string;
  longer: string;
}

const factory = (): Kept => ({ mode: '3', limitType: '2', limit: '30.0', detect: '2', longer: '3' });
const DEFAULTS: Kept = { mode: '0', limitType: '0', limit: '15.4', detect: '1', longer: '2' };
/** low, high, critical */
const PRIORITY = { 3: '0', 2: '2', 1: '3' } as const;
const WORLD_PRIORITY: Readonly<Record<string, 1 | 2 | 3>> = { 0: 3, 2: 2, 3: 1 };

/** A GS305EP(P) or GS308EP(P) by its web pages: a login with a challenge, a list of states, a list of settings with a hash. */
export function netgearGs30xFace(world: World, { password, ports: amount }: NetgearOptions): WebFace {
  const sessions = new NetgearSessions(password);
  const shown = (): readonly WorldPort[] => world.switch.ports.slice(0, amount);
  const kept = new Map(shown().map(({ port }) => [port, factory()]));
  let hash = newHash();

  const apply = (form: URLSearchParams): string => {
    if (form.get('hash') !== hash) return 'CHECK HASH FAILED';
    hash = newHash();
    const port = shown()[Number(form.get('portID') ?? 'none')];
    if (form.get('ACTION') !== 'Apply' || port === undefined) return 'PARAMETER ERROR';
    // The fault of the world is that a write is accepted and forgotten; then all of it is.
    if (world.faults.switchDisobeys) return 'SUCCESS';
    kept.set(port.port, {
      mode: form.get('POW_MOD') ?? DEFAULTS.mode,
      limitType: form.get('POW_LIMT_TYP') ?? DEFAULTS.limitType,
      limit: form.get('POW_LIMT') ?? DEFAULTS.limit,
      detect: form.get('DETEC_TYP') ?? DEFAULTS.detect,
      longer: form.get('DISCONNECT_TYP') ?? DEFAULTS.longer,
    });
    world.switch.setPriority(port.port, WORLD_PRIORITY[form.get('PORT_PRIO') ?? '0'] ?? 3);
    world.switch.setEnabled(port.port, form.get('ADMIN_MODE') === '1');
    return 'SUCCESS';
  };

  const login = ({ method, body }: Asked): Said => {
    if (method === 'GET') return { body: sessions.challenge() };
    const token = sessions.open(new URLSearchParams(body).get('password'));
    // Without a cookie: wrong, or no session left. The status does not tell.
    const cookie = token === undefined ? {} : { 'set-cookie': `SID=${token};Path=/;HttpOnly` };
    return { headers: cookie, body: '<html></html>' };
  };

  return {
    answer(asked: Asked): Said {
      const { method, path, headers, body } = asked;
      if (path === '/login.cgi') return login(asked);
      const token = /(?:^|;\s*)SID=([^;\s]+)/.exec(headers.cookie ?? '')?.[1];
      if (!sessions.isOpen(token)) return { body: '<script>top.location.href="/login.cgi"</script>' };
      if (path === '/getPoePortStatus.cgi') return { body: statusPage(shown()) };
      if (path === '/PoEPortConfig.cgi')
        return { body: method === 'POST' ? apply(new URLSearchParams(body)) : settingsPage(shown(), kept, hash) };
      if (path === '/logout.cgi') sessions.end(token);
      return { body: '' };
    },
  };
}

const newHash = (): string => randomBytes(16).toString('hex');

const STATES = {
  disabled: 'Disabled',
  searching: 'Searching',
  delivering: 'Delivering Power',
  fault: 'Short Circuit',
} as const;

/** In its own markup five figures follow each other: V, mA, W, °C, fault; each with its label before it. */
function statusPage(ports: readonly WorldPort[]): string {
  const items = ports.map((port) => {
    const figures = figuresOf(port);
    const told = [
      ['ml570', Math.round(figures?.voltageV ?? 0)],
      ['ml572', Math.round((figures?.currentA ?? 0) * 1000)],
      ['ml574', (figures?.powerW ?? 0).toFixed(1)],
      ['ml575', 30],
      ['ml581', port.state === 'fault' ? 'Short Circuit' : 'No Error'],
    ].map(([label, value]) => `<div><div><span>${label}</span></div><div><span>${value}</span></div></div>`);
    const poeClass = figures === undefined ? 'Unknown' : `ml003@${port.poeClass}@`;
    return (
      `<li class="poe_port_list_item poePortStatusListItem"><span class="poe-power-mode"><span>${STATES[port.state]}</span></span>` +
      `<span class="poe-portPwr-width"><span>${poeClass}</span></span>` +
      `<span class="poe-port-index"><input type="hidden" class="port" value="${port.index}"><span>${labelOf(port)}</span></span>` +
      `<div class="poe_port_status">${told.join('')}</div></li>`
    );
  });
  return `<ul>${items.join('\n')}</ul>`;
}

const labelOf = ({ index, hostId }: WorldPort): string => (hostId === undefined ? `${index}` : `${index} - ${hostId}`);

function settingsPage(ports: readonly WorldPort[], kept: ReadonlyMap<string, Kept>, hash: string): string {
  const items = ports.map((port) => {
    const { mode, limitType, limit, detect, longer } = kept.get(port.port) ?? factory();
    const hidden = (attribute: 'id' | 'class', name: string, value: string) =>
      `<input type="hidden" ${attribute}="${name}" value="${value}">`;
    return (
      `<li class="poe_port_list_item poePortSettingListItem index_li">${hidden('class', 'port', String(port.index))}` +
      `${hidden('class', 'portName', port.hostId ?? '')}${hidden('id', 'hidPortPwr', port.enabled ? '1' : '0')}` +
      `${hidden('id', 'hidPwrMode', mode)}${hidden('id', 'hidPortPrio', PRIORITY[port.priority])}` +
      `${hidden('id', 'hidLimitType', limitType)}${hidden('class', 'pwrLimit', limit)}` +
      `${hidden('id', 'hidDetecType', detect)}${hidden('class', 'longerDetect', longer)}</li>`
    );
  });
  return `<input type=hidden id='hash' value="${hash}"><div><ul>${items.join('\n')}</ul></div>`;
}
