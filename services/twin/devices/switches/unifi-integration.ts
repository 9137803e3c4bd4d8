import type { UnifiDevice } from './unifi-device.ts';
import { type Asked, jsonObject, type Said } from './web-face.ts';

const ROOT = '/proxy/network/integration/v1';
const SITE = '88f7af54-98f8-306a-a1c7-c9349722b1f6';
const DEVICE = '0d8a2f5e-0000-4000-8000-000000000001';
const DEFAULT_LIMIT = 25;

/** The official integration API, v1, of a console: pages of sites and devices, ports without watts, and a power-cycle. */
export function unifiIntegration(
  device: UnifiDevice,
  key: string,
  cycle: (port: string) => void,
): (asked: Asked) => Said {
  const details = (): object => ({
    ...summaryOf(device),
    features: { switching: {} },
    interfaces: {
      ports: device.table.map(({ port_idx: idx, port_poe: isPoe, poe_mode: mode, poe_enable: fed, up }) => ({
        idx,
        state: up === true ? 'UP' : 'DOWN',
        connector: isPoe === true ? 'RJ45' : 'SFPPLUS',
        maxSpeedMbps: isPoe === true ? 1000 : 10_000,
        ...(isPoe === true
          ? { poe: { standard: '802.3at', type: 2, enabled: mode !== 'off', state: fed === true ? 'UP' : 'DOWN' } }
          : {}),
      })),
    },
  });
  return ({ method, path, query, headers, body }) => {
    if (headers['x-api-key'] !== key) return { status: 401, body: { statusCode: 401, statusName: 'UNAUTHORIZED' } };
    const asked = `${method} ${path.slice(ROOT.length)}`;
    if (asked === 'GET /info') return { body: { applicationVersion: '9.3.43' } };
    if (asked === 'GET /sites') return page([{ id: SITE, internalReference: 'default', name: 'Default' }], query);
    if (asked === `GET /sites/${SITE}/devices`) return page([summaryOf(device)], query);
    if (asked === `GET /sites/${SITE}/devices/${DEVICE}`) return { body: details() };
    const [, port] =
      new RegExp(`^POST /sites/${SITE}/devices/${DEVICE}/interfaces/ports/(\\d+)/actions$`).exec(asked) ?? [];
    if (port === undefined) return { status: 404, body: { statusCode: 404, statusName: 'NOT_FOUND' } };
    if (jsonObject(body)?.action !== 'POWER_CYCLE')
      return { status: 400, body: { statusCode: 400, statusName: 'BAD_REQUEST' } };
    cycle(port);
    return { body: {} };
  };
}

const summaryOf = ({ mac, connected }: UnifiDevice): object => ({
  id: DEVICE,
  name: 'rack-poe',
  model: 'USW-Pro-24-POE',
  supported: true,
  macAddress: mac,
  ipAddress: '192.0.2.10',
  state: connected ? 'ONLINE' : 'OFFLINE',
  firmwareUpdatable: false,
});

function page(all: readonly object[], query: URLSearchParams): Said {
  const offset = Math.max(0, Number(query.get('offset')) || 0);
  const limit = Math.max(1, Number(query.get('limit')) || DEFAULT_LIMIT);
  const data = all.slice(offset, offset + limit);
  return { body: { offset, limit, count: data.length, totalCount: all.length, data } };
}
