import type { World, WorldPort } from '../../model.ts';
import { figuresOf } from './port-figures.ts';
import { type Asked, jsonObject, type Said, type WebFace } from './web-face.ts';

export interface MikrotikOptions {
  readonly user: string;
  readonly password: string;
  /** Which menu takes the setting: the note could not settle it. `ethernet` when absent. */
  readonly settableIn?: 'ethernet' | 'ethernet/poe';
}

const STATUS = {
  disabled: 'off',
  searching: 'waiting-for-load',
  delivering: 'powered-on',
  fault: 'short-circuit',
} as const;
/** 0 keeps its power longest; RouterOS counts to 99. */
const PRIORITY = { 1: '1', 2: '10', 3: '20' } as const;
const ROOT = '/rest/interface/ethernet';

/**
 * A RouterOS 7 switch over REST: interfaces `ether1` … with the ids `*1` …, no budget. Values of one row are strings and
 * numbers mixed, as a CRS318 has them; a port without a load has no figures.
 */
export function mikrotikFace(world: World, options: MikrotikOptions): WebFace {
  const authorization = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}`;
  return {
    answer(asked: Asked): Said {
      if (asked.headers.authorization !== authorization) return refusal(401, 'Unauthorized');
      const { method, path } = asked;
      if (method === 'GET' && path === `${ROOT}/poe`) return { body: world.switch.ports.map(row) };
      if (method === 'POST' && path === `${ROOT}/poe/monitor`) return monitor(world, asked.body);
      if (method === 'PATCH') return patch(world, options.settableIn ?? 'ethernet', asked);
      return refusal(404, 'Not Found');
    },
  };
}

const row = ({ index, enabled, priority }: WorldPort): object => ({
  '.id': idOf(index),
  name: `ether${index}`,
  'poe-out': enabled ? 'auto-on' : 'off',
  'poe-priority': PRIORITY[priority],
  'poe-voltage': 'auto',
});

/** Ids are told in hexadecimal. */
const idOf = (index: number): string => `*${index.toString(16).toUpperCase()}`;

/** One interface at a time, and only with `once`: without it the command never ends. */
function monitor(world: World, body: string): Said {
  const { numbers, once } = jsonObject(body) ?? {};
  const port = world.switch.ports.find(({ index }) => idOf(index) === numbers || `ether${index}` === numbers);
  if (port === undefined) return refusal(400, 'Bad Request', 'no such item');
  if (once === undefined) return refusal(400, 'Bad Request', 'Session closed');
  const figures = figuresOf(port);
  const live = {
    name: `ether${port.index}`,
    'poe-out': port.enabled ? 'auto-on' : 'off',
    'poe-out-status': STATUS[port.state],
    ...(figures === undefined
      ? {}
      : {
          'poe-out-voltage': figures.voltageV.toFixed(1),
          'poe-out-current': Math.round(figures.currentA * 1000),
          'poe-out-power': figures.powerW.toFixed(1),
        }),
  };
  return { body: [live] };
}

function patch(world: World, menu: string, { path, body }: Asked): Said {
  const [, asked = '', id = ''] = /^\/rest\/interface\/(.+)\/(\*[0-9A-F]+)$/.exec(path) ?? [];
  const port = world.switch.ports.find(({ index }) => idOf(index) === id);
  if (asked !== 'ethernet' && asked !== 'ethernet/poe') return refusal(404, 'Not Found');
  if (asked !== menu) return refusal(400, 'Bad Request', 'unknown parameter poe-out');
  if (port === undefined) return refusal(404, 'Not Found', 'no such item');
  const { 'poe-out': mode, ...others } = jsonObject(body) ?? {};
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return refusal(400, 'Bad Request', `unknown parameter ${unknown}`);
  if (mode !== 'auto-on' && mode !== 'off')
    return refusal(400, 'Bad Request', 'input does not match any value of poe-out');
  world.switch.setEnabled(port.port, mode !== 'off');
  return { body: { '.id': id, name: `ether${port.index}`, 'poe-out': mode } };
}

const refusal = (error: number, message: string, detail?: string): Said => ({
  status: error,
  body: { error, message, ...(detail === undefined ? {} : { detail }) },
});
