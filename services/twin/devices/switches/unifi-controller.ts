import { randomBytes } from 'node:crypto';
import type { World } from '../../model.ts';
import { UnifiDevice, type UnifiDeviceOptions } from './unifi-device.ts';
import { unifiIntegration } from './unifi-integration.ts';
import { type Asked, jsonObject, type Said, type WebFace } from './web-face.ts';

export interface UnifiOptions extends UnifiDeviceOptions {
  readonly user: string;
  readonly password: string;
  /** API key of the official interface. */
  readonly key: string;
  /** `console`: UniFi OS. `application`: a Network application of its own. `console` when absent. */
  readonly flavour?: 'console' | 'application';
}

/** A session ends when nobody uses it for this long, ms. */
const SESSION_MS = 1_800_000;

/**
 * A UniFi controller with one site and one switch: the older API that can switch PoE, and on a console the official one
 * that can only read it and power-cycle. It is not the switch: it answers while that one is dark, with what it knew last.
 */
export function unifiFace(world: World, options: UnifiOptions): WebFace {
  const { flavour = 'console' } = options;
  const isConsole = flavour === 'console';
  const device = new UnifiDevice(world, options);
  const integration = unifiIntegration(device, options.key, (port) => cycle(world, port));
  const prefix = isConsole ? '/proxy/network' : '';
  const auth = isConsole ? '/api/auth' : '/api';
  // How a client tells one from the other: only an application sends it on.
  const root: Said = isConsole ? { body: '<html>UniFi OS</html>' } : { status: 302, headers: { location: '/manage' } };
  const sessions = new Map<string, { readonly csrf: string; usedMs: number }>();
  const cookieName = isConsole ? 'TOKEN' : 'unifises';

  const login = (body: string): Said => {
    const { username, password } = jsonObject(body) ?? {};
    if (username !== options.user || password !== options.password)
      return isConsole ? { status: 403, body: { code: 'AUTHENTICATION_FAILED_INVALID_CREDENTIALS' } } : INVALID;
    const token = randomBytes(16).toString('hex');
    const csrf = randomBytes(16).toString('hex');
    sessions.set(token, { csrf, usedMs: performance.now() });
    const cookie = { 'set-cookie': `${cookieName}=${token}; Path=/; HttpOnly` };
    return { headers: isConsole ? { ...cookie, 'x-csrf-token': csrf } : cookie, body: ok([]) };
  };
  const sessionOf = (headers: Asked['headers']): string | undefined => {
    const [, token = ''] = new RegExp(`(?:^|;\\s*)${cookieName}=([^;\\s]+)`).exec(headers.cookie ?? '') ?? [];
    const session = sessions.get(token);
    if (session === undefined || performance.now() - session.usedMs > SESSION_MS) return undefined;
    session.usedMs = performance.now();
    return token;
  };
  const legacy = ({ method, path, body }: Asked): Said => {
    const call = `${method} ${path.slice(`${prefix}/api/s/default/`.length)}`;
    if (call === 'GET stat/device') return { body: ok([device.entry()]) };
    if (call === `PUT rest/device/${device.id}`) {
      const { port_overrides: overrides } = jsonObject(body) ?? {};
      if (!Array.isArray(overrides)) return { body: failed('api.err.InvalidPayload') };
      device.setOverrides(overrides);
      return { body: ok([device.entry()]) };
    }
    return { status: 404, body: failed('api.err.NotFound') };
  };

  const logout = (token: string | undefined): Said => {
    if (token !== undefined) sessions.delete(token);
    return { body: ok([]) };
  };
  const inSession = (asked: Asked, token: string): Said => {
    const { method, path, headers } = asked;
    if (isConsole && method !== 'GET' && headers['x-csrf-token'] !== sessions.get(token)?.csrf)
      return { status: 403, body: failed('api.err.InvalidCsrf') };
    if (!path.startsWith(`${prefix}/api/s/default/`)) return { status: 400, body: failed('api.err.NoSiteContext') };
    return legacy(asked);
  };

  return {
    isMute: () => world.faults.silent.has('controller'),
    stop: () => device.stop(),
    answer(asked: Asked): Said {
      const { method, path, headers, body } = asked;
      if (path === '/') return root;
      if (method === 'POST' && path === `${auth}/login`) return login(body);
      if (isConsole && path.startsWith('/proxy/network/integration/v1/')) return integration(asked);
      const token = sessionOf(headers);
      if (method === 'POST' && path === `${auth}/logout`) return logout(token);
      return token === undefined ? { status: 401, body: failed('api.err.LoginRequired') } : inSession(asked, token);
    },
  };
}

const ok = (data: readonly unknown[]): object => ({ meta: { rc: 'ok' }, data });
const failed = (msg: string): object => ({ meta: { rc: 'error', msg }, data: [] });
const INVALID: Said = { status: 400, body: failed('api.err.Invalid') };

/** Off and on again by itself. */
function cycle(world: World, port: string): void {
  if (world.switch.ports.find((each) => each.port === port)?.state !== 'delivering') return;
  world.switch.setEnabled(port, false);
  world.switch.setEnabled(port, true);
}
