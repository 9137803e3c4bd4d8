import type { World } from '../../model.ts';
import { serveBoardOnPath, serveBoardOnTcp } from '../boards/serve.ts';
import type { PluggableHandle } from '../plug.ts';
import { mikrotikFace } from './mikrotik-rest.ts';
import { MODBUS_MAP } from './modbus-registers.ts';
import { serveModbusSwitch } from './modbus-tcp.ts';
import { netgearGs30xFace } from './netgear-gs30x.ts';
import { netgearGs316Face } from './netgear-gs316.ts';
import { openwrtFace } from './openwrt-ubus.ts';
import { pseBroadcom } from './pse-broadcom.ts';
import { pseRealtek } from './pse-realtek.ts';
import { unifiFace } from './unifi-controller.ts';
import { serveWebFace, type WebFace } from './web-face.ts';

/** Faces of the world's PoE switch besides SNMP, and how a configuration names each. */

export interface SwitchPlace {
  readonly host?: string;
  readonly port?: number;
  /** A serial port or pty instead of TCP, for the microcontrollers. */
  readonly path?: string;
}

/** Secrets of a served switch, each a text that a configuration takes out of a file. */
export type SwitchSecretName = 'password' | 'key';

export interface ServedSwitch {
  readonly handle: PluggableHandle;
  /** What stands under `switches:` besides id and what concerns all switches; secrets are given apart. */
  readonly config: Readonly<Record<string, unknown>> & { readonly driver: string };
  readonly secrets: Readonly<Partial<Record<SwitchSecretName, string>>>;
  /** A port of the world as this switch calls it. */
  readonly portName: (port: string) => string;
}

export interface SwitchFamily {
  readonly what: string;
  readonly serve: (world: World, secret: string, place: SwitchPlace) => Promise<ServedSwitch>;
}

const USER = 'holdover';
const MAC = '00:00:5e:00:53:10';

interface WebShape {
  readonly driver: string;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly secretAs?: SwitchSecretName;
  readonly prefix?: string;
}

function web(
  what: string,
  { driver, more = {}, secretAs = 'password', prefix = '' }: WebShape,
  make: (world: World, secret: string) => WebFace,
): SwitchFamily {
  return {
    what,
    serve: async (world, secret, place) => {
      const handle = await serveWebFace(world, make(world, secret), place);
      return {
        handle,
        config: { driver, url: `http://${handle.address}`, ...more },
        secrets: { [secretAs]: secret },
        portName: (port) => `${prefix}${port}`,
      };
    },
  };
}

function serial(what: string, make: typeof pseBroadcom): SwitchFamily {
  return {
    what,
    serve: async (world, _secret, { path, ...place }) => {
      const face = make(world);
      const isMute = () => !world.switch.powered || world.faults.silent.has('switch');
      const options = { name: 'switch', throttle: true, isMute };
      const handle =
        path === undefined
          ? await serveBoardOnTcp(world, face, { ...options, ...place })
          : await serveBoardOnPath(world, face, path, options);
      const via = path === undefined ? { tcp: handle.address } : { serial: path };
      return { handle, config: { driver: 'poe-serial', via, switching: true }, secrets: {}, portName: (port) => port };
    },
  };
}

/** By the names of `holdover emulate`. */
export const SWITCHES = {
  'poe-mikrotik': web(
    'a MikroTik switch on its REST interface',
    { driver: 'mikrotik', more: { user: USER }, prefix: 'ether' },
    (world, password) => mikrotikFace(world, { user: USER, password }),
  ),
  'poe-openwrt': web(
    'an OpenWrt switch with the realtek-poe daemon, on ubus',
    { driver: 'openwrt', more: { user: USER }, prefix: 'lan' },
    (world, password) => openwrtFace(world, { user: USER, password }),
  ),
  'poe-netgear': web(
    'a Netgear GS308EPP by its web pages: eight ports',
    { driver: 'netgear-plus', more: { model: 'gs308epp' } },
    (world, password) => netgearGs30xFace(world, { password, ports: 8 }),
  ),
  'poe-netgear-316': web(
    'a Netgear GS316EPP by its web pages: fifteen ports',
    { driver: 'netgear-plus', more: { model: 'gs316epp' } },
    (world, password) => netgearGs316Face(world, { password, ports: 15 }),
  ),
  'poe-unifi': web(
    'a UniFi console with one switch, by its older interface',
    { driver: 'unifi', more: { user: USER, device: MAC } },
    (world, password) => unifiFace(world, { user: USER, password, key: password, mac: MAC }),
  ),
  'poe-unifi-api': web(
    'the same console by the official interface, which only reads',
    { driver: 'unifi-api', more: { device: MAC }, secretAs: 'key' },
    (world, key) => unifiFace(world, { user: USER, password: key, key, mac: MAC }),
  ),
  'poe-broadcom': serial('the microcontroller of a switch with Broadcom PSE chips, on a serial line', pseBroadcom),
  'poe-realtek': serial('the same with Realtek PSE chips', pseRealtek),
  'poe-modbus': {
    what: 'a switch on Modbus TCP with a map of its own',
    serve: async (world, _secret, place) => {
      const handle = await serveModbusSwitch(world, place);
      const config = { driver: 'modbus', host: handle.address, ports: world.switch.ports.length, map: MODBUS_MAP };
      return { handle, config, secrets: {}, portName: (port) => port };
    },
  },
} as const satisfies Readonly<Record<string, SwitchFamily>>;

export type SwitchKind = keyof typeof SWITCHES;
