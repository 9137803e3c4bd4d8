import type { World, WorldPort } from '../../model.ts';
import type { NetgearOptions } from './netgear-gs30x.ts';
import { NetgearSessions } from './netgear-sessions.ts';
import { figuresOf } from './port-figures.ts';
import type { Asked, Said, WebFace } from './web-face.ts';

/** A write takes its fields in this order, and `NOTSET` for what stays as it is. */
const ORDER =
  'Gambit,TYPE,PORT_NO,POWER_LIMIT_VALUE,PRIORITY,POWER_MODE,POWER_LIMIT_TYPE,DETECTION,ADMIN_STATE,DISCONNECT_TYPE';
const PRIORITY = { 3: 'Low', 2: 'High', 1: 'Critical' } as const;
const WORLD_PRIORITY: Readonly<Record<string, 1 | 2 | 3>> = { 1: 3, 2: 2, 3: 1 };
const STATES = {
  disabled: 'Disabled',
  searching: 'Searching',
  delivering: 'Delivering Power',
  fault: 'Short Circuit',
} as const;

/** A GS316EP(P) by its web pages: the token of a session stands in a cookie and in every address. */
export function netgearGs316Face(world: World, { password, ports: amount }: NetgearOptions): WebFace {
  const sessions = new NetgearSessions(password);
  const shown = (): readonly WorldPort[] => world.switch.ports.slice(0, amount);

  const apply = (body: string): string => {
    const fields = [...new URLSearchParams(body)];
    if (fields.map(([name]) => name).join() !== ORDER) return 'PARAMETER ERROR';
    const form = new Map(fields);
    const port = shown().find(({ index }) => String(index) === form.get('PORT_NO'));
    if (port === undefined || form.get('TYPE') !== 'submitPoe') return 'PARAMETER ERROR';
    const admin = form.get('ADMIN_STATE');
    const priority = WORLD_PRIORITY[form.get('PRIORITY') ?? ''];
    if (priority !== undefined) world.switch.setPriority(port.port, priority);
    if (admin === '0' || admin === '1') world.switch.setEnabled(port.port, admin === '1');
    return 'SUCCESS';
  };

  const login = (body: string): Said => {
    const token = sessions.open(new URLSearchParams(body).get('LoginPassword'));
    if (token === undefined) return { body: '<p>no</p>' };
    return { body: `<form><input type="hidden" name="Gambit" value="${token}"></form>` };
  };
  const page = ({ method, path, query, body }: Asked): string => {
    if (path === '/iss/specific/poePortStatus.html' && query.get('GetData') === 'TRUE')
      return shown().map(statusOf).join('\n');
    if (path !== '/iss/specific/poePortConf.html') return '';
    return method === 'POST' ? apply(body) : `<div id="POE_SETTING">${shown().map(settingOf).join('')}</div>`;
  };

  return {
    answer(asked: Asked): Said {
      const { path, query, headers, body } = asked;
      if (path === '/wmi/login') return { body: sessions.challenge() };
      if (path === '/redirect.html') return login(body);
      const token = query.get('Gambit') ?? undefined;
      if (!sessions.isOpen(token) || headers.cookie !== `gambitCookie=${token}`)
        return { status: 302, headers: { location: '/wmi/login' } };
      if (path === '/iss/specific/logout.html') sessions.end(token);
      return { body: page(asked) };
    },
  };
}

const numberOf = ({ index, hostId = '' }: WorldPort): string =>
  `<span class="port-number">${index}&nbsp;-&nbsp;${hostId}</span>`;

function statusOf(port: WorldPort): string {
  const figures = figuresOf(port);
  const cells = {
    'Class-text': figures === undefined ? 'Unknown' : `Class@${port.poeClass}@`,
    'Status-text': STATES[port.state],
    'OutputVoltage-text': Math.round(figures?.voltageV ?? 0),
    'OutputCurrent-text': Math.round((figures?.currentA ?? 0) * 1000),
    'OutputPower-text': (figures?.powerW ?? 0).toFixed(1),
    'Temperature-text': 30,
    'Fault-Status-text': port.state === 'fault' ? 'Short Circuit' : 'No Error',
  };
  const told = Object.entries(cells).map(([name, value]) => `<p class="${name}">${value}</p>`);
  return `<div class="port-wrap">${numberOf(port)}${told.join('')}</div>`;
}

const settingOf = (port: WorldPort): string =>
  `<div class="port-wrap">${numberOf(port)}<span class="admin-state">${port.enabled ? 'enable' : 'disable'}</span>` +
  `<p class="Power-Mode-text">802.3at</p><span class="port-priority">${PRIORITY[port.priority]}</span>` +
  '<p class="Power-Limit-Type-text">User</p><p class="Power-Limit-text">30.0</p>' +
  '<p class="Detection-Type-text">IEEE 802</p><p class="Longer-Detection-text">Enable</p></div>';
