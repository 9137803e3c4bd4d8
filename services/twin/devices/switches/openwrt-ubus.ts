import { randomBytes } from 'node:crypto';
import type { World, WorldPort } from '../../model.ts';
import { figuresOf } from './port-figures.ts';
import { type Asked, jsonObject, type Said, type WebFace } from './web-face.ts';

export interface OpenwrtOptions {
  readonly user: string;
  readonly password: string;
}

const OK = 0;
const INVALID_ARGUMENT = 2;
const METHOD_NOT_FOUND = 3;
const OBJECT_NOT_FOUND = 4;
const PERMISSION_DENIED = 6;

/** The daemon asks its microcontroller so often, s of world time; what it tells is as old as that. */
const DAEMON_EVERY_S = 2;
/** A session nobody uses ends, ms. */
const SESSION_MS = 300_000;
const MOST_SESSIONS = 32;

const STATUS = {
  disabled: 'Disabled',
  searching: 'Searching',
  delivering: 'Delivering power',
  fault: 'Fault',
} as const;
/** 0 low to 3 critical; the world counts the other way. */
const PRIORITY = { 1: 3, 2: 2, 3: 0 } as const;

/** An OpenWrt switch with the realtek-poe daemon, over rpcd's JSON-RPC on `/ubus`: interfaces `lan1` … */
export function openwrtFace(world: World, options: OpenwrtOptions): WebFace {
  const sessions = new Map<string, number>();
  let told: unknown;
  let toldAtS = Number.NEGATIVE_INFINITY;

  const info = (): unknown => {
    if (told === undefined || world.timeS - toldAtS >= DAEMON_EVERY_S) {
      told = infoOf(world);
      toldAtS = world.timeS;
    }
    return told;
  };
  const login = (args: Readonly<Record<string, unknown>>): unknown[] => {
    if (args.username !== options.user || args.password !== options.password) return [PERMISSION_DENIED];
    const [oldest] = sessions.keys();
    if (sessions.size >= MOST_SESSIONS && oldest !== undefined) sessions.delete(oldest);
    const session = randomBytes(16).toString('hex');
    sessions.set(session, performance.now());
    return [OK, { ubus_rpc_session: session, timeout: SESSION_MS / 1000, expires: SESSION_MS / 1000 }];
  };
  const isOpen = (session: unknown): boolean => {
    const usedMs = sessions.get(String(session));
    if (usedMs === undefined || performance.now() - usedMs > SESSION_MS) return false;
    sessions.set(String(session), performance.now());
    return true;
  };
  const poe = (method: unknown, args: Readonly<Record<string, unknown>>): unknown[] => {
    if (method === 'info') return [OK, info()];
    if (method !== 'manage') return [METHOD_NOT_FOUND];
    const port = world.switch.ports.find(({ index }) => `lan${index}` === args.port);
    // the text "false" is no boolean
    if (port === undefined || typeof args.enable !== 'boolean') return [INVALID_ARGUMENT];
    world.switch.setEnabled(port.port, args.enable);
    return [OK];
  };

  return {
    answer({ method, path, body }: Asked): Said {
      if (path !== '/ubus') return { status: 404, body: 'Not Found' };
      const { jsonrpc, id, method: call, params } = jsonObject(body) ?? {};
      const failed = (code: number, message: string): Said => ({
        body: { jsonrpc: '2.0', id: id ?? null, error: { code, message } },
      });
      if (method !== 'POST' || jsonrpc !== '2.0') return failed(-32_700, 'Parse error');
      if (call !== 'call') return failed(-32_601, 'Method not found');
      const [session, object, name, given] = Array.isArray(params) ? params : [];
      if (typeof given !== 'object' || given === null) return failed(-32_602, 'Invalid parameters');
      const args = given as Readonly<Record<string, unknown>>;
      const result = (values: unknown[]): Said => ({ body: { jsonrpc: '2.0', id, result: values } });
      if (object === 'session' && name === 'login') return result(login(args));
      if (!isOpen(session)) return failed(-32_002, 'Access denied');
      return result(object === 'poe' ? poe(name, args) : [OBJECT_NOT_FOUND]);
    },
  };
}

function infoOf({ switch: { budgetW, drawnW, ports } }: World): object {
  return {
    firmware: 'v20.3',
    mcu: 'Nuvoton M05xx LAN Microcontroller',
    budget: budgetW,
    consumption: tenths(drawnW),
    ports: Object.fromEntries(ports.map((port) => [`lan${port.index}`, portOf(port)])),
  };
}

/** A consumption of 0 is left out. */
function portOf(port: WorldPort): object {
  const figures = figuresOf(port);
  const consumption = tenths(figures?.powerW ?? 0);
  return {
    priority: PRIORITY[port.priority],
    mode: 'PoE+',
    status: STATUS[port.state],
    ...(consumption === 0 ? {} : { consumption }),
  };
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
