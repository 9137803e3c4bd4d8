import { z } from 'zod';
import { i2cSwitch } from './i2c-switch.ts';
import { modbusSwitch } from './modbus-switch.ts';
import { netgearSwitch } from './netgear-switch.ts';
import { serialSwitch } from './serial-switch.ts';
import { duration, identifier, interval, plainPort, seconds, secret } from './values.ts';

/** PoE switches: what all have, and what each driver needs. */

const shared = {
  id: identifier,
  /** Budget to assume where the switch does not tell, or tells wrong. */
  budgetW: z.number().positive().optional().meta({ unit: 'W' }),
  guardW: z.number().nonnegative().optional().meta({
    unit: 'W',
    description: 'part of the budget the switch keeps for starts, where it does not tell',
  }),
  admission: z.enum(['static', 'dynamic']).optional().meta({
    description: 'whether the switch lets ports in by their class (static) or by what is drawn (dynamic)',
  }),
  every: interval(2),
  staleAfter: duration.optional(),
  /** Ports that can never be cut: uplinks, this machine, other switches. */
  protect: z
    .array(
      z
        .union([
          z.string().regex(/^[^/\s]+$/, 'a port as the switch names it, without the switch'),
          z.int().transform(String),
        ])
        .transform(plainPort),
    )
    .default([]),
};

/** How long a port may take until its state agrees with what was written. */
const settle = (fallback: number) => seconds(fallback);

const snmpV3 = z.strictObject({
  user: z.string().min(1),
  auth: z.enum(['md5', 'sha', 'sha256', 'sha512']).default('sha'),
  authKey: secret,
  priv: z.enum(['des', 'aes', 'aes256b', 'aes256r']).default('aes'),
  privKey: secret,
});

const snmp = z.strictObject({
  ...shared,
  driver: z.literal('snmp'),
  host: z.string().min(1),
  port: z.int().min(1).max(65535).default(161),
  community: secret.optional(),
  v3: snmpV3.optional(),
  /** PSE group of RFC 3621; ports are then named by their number alone. */
  group: z.int().min(1).default(1),
  /** Factors for the two whole-watt objects of RFC 3621, for switches that send other units. */
  budgetScale: z.number().positive().default(1),
  consumptionScale: z.number().positive().default(1),
  /** Vendor table with watts per port: a known name (with its factor, where nobody confirmed it), or a column's OID. */
  portWatts: z
    .union([
      z.enum([
        'aruba-cx',
        'cisco',
        'ciscosb',
        'dell-n',
        'extreme',
        'huawei',
        'intellinet',
        'mikrotik',
        'netgear',
        'netgear-old',
        'netgear-smart',
        'netonix',
        'procurve',
        'tp-link',
      ]),
      z.strictObject({
        table: z.literal('zyxel'),
        scale: z
          .number()
          .positive()
          .meta({ description: 'factor of its figures to watts; 0.001 by all accounts, but try it' }),
      }),
      z.strictObject({
        oid: z.string().regex(/^\d+(\.\d+)+$/, 'a numeric OID'),
        scale: z.number().positive().default(0.001),
        index: z.enum(['group.port', 'port']).default('group.port'),
      }),
    ])
    .optional(),
  settle: settle(10),
});
export type SnmpSwitchConfig = z.infer<typeof snmp>;

const tls = z
  .strictObject({
    ca: z.string().min(1).optional().meta({ description: 'file with the certificate authority to trust (PEM)' }),
    fingerprint: z
      .string()
      .regex(/^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i, 'the SHA-256 of the certificate (openssl x509 -fingerprint -sha256)')
      .optional()
      .meta({ description: 'SHA-256 of the one certificate to accept, for devices with a self-signed one' }),
  })
  .prefault({})
  .meta({ description: 'certificates are always checked; this says against what' });

/** A device that is reached over HTTP. */
const web = {
  url: z
    .string()
    .regex(/^https?:\/\/[^\s/@?#]+$/i, 'http://address or https://address[:port], without path or password')
    .meta({ description: 'https://address[:port] of the device' }),
  tls,
  requestTimeout: seconds(5).meta({ description: 'deadline of one request' }),
};
export type WebConfig = { readonly [K in keyof typeof web]: z.infer<(typeof web)[K]> };

const account = { user: z.string().min(1), password: secret };

const mikrotik = z.strictObject({ ...shared, driver: z.literal('mikrotik'), ...web, ...account, settle: settle(10) });
export type MikrotikConfig = z.infer<typeof mikrotik>;

const openwrt = z.strictObject({ ...shared, driver: z.literal('openwrt'), ...web, ...account, settle: settle(15) });
export type OpenwrtConfig = z.infer<typeof openwrt>;

const portName = z
  .union([z.string(), z.int().transform(String)])
  .pipe(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'a port such as 7 or lan3'))
  .meta({ description: 'a port, as it stands for {port}' });

const known = z
  .array(z.union([z.string(), z.number(), z.boolean()]))
  .min(1)
  .optional();

const pattern = z
  .string()
  .min(1)
  .max(500)
  .refine(isPattern, 'a regular expression')
  .meta({ description: 'regular expression, lines are told apart; {port} is the port' });

/** How the answer about ports is understood. */
const mapping = z
  .union([
    z.strictObject({
      json: z.strictObject({
        enabled: z.string().min(1).meta({ description: 'path such as ports.{port}.enabled' }),
        delivering: z.string().min(1).optional(),
        powerW: z.string().min(1).optional(),
      }),
      /** Values that mean on and off, where they are not the usual words. */
      on: known,
      off: known,
    }),
    z.strictObject({
      text: z.strictObject({
        on: pattern,
        off: pattern,
        powerW: pattern.optional().meta({ description: 'regular expression with one group: the watts' }),
      }),
    }),
  ])
  .meta({ description: 'where in the answer the state of a port is' });
export type Mapping = z.infer<typeof mapping>;

function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'm');
    return true;
  } catch {
    return false;
  }
}

const ports = z.array(portName).min(1).max(128);

/** Program and arguments, never a shell. */
const argv = z
  .array(z.string().max(4096))
  .min(1)
  .max(64)
  .refine(([program = '']) => program.startsWith('/'), 'the program with its whole path, then its arguments')
  .meta({ description: 'program (whole path) and arguments; {port} is replaced in the arguments; no shell' });

const exec = z.strictObject({
  ...shared,
  driver: z.literal('exec'),
  ports,
  status: z.strictObject({ command: argv, read: mapping }).meta({
    description: 'run once for all ports, or once for each if {port} is in it',
  }),
  on: z.strictObject({ command: argv }),
  off: z.strictObject({ command: argv }),
  env: z
    .record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/i, 'a variable name'), secret)
    .default({})
    .meta({ description: 'secrets for the commands, as environment variables' }),
  timeout: seconds(5).meta({ description: 'deadline of one command; it is killed then' }),
  settle: settle(10),
});
export type ExecConfig = z.infer<typeof exec>;

const template = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
  path: z.string().regex(/^\/[^\s#]*$/, 'a path such as /api/ports/{port}'),
  body: z.string().max(65_536).optional(),
  contentType: z.string().default('application/json'),
});
export type RequestTemplate = z.infer<typeof template>;

const http = z.strictObject({
  ...shared,
  driver: z.literal('http'),
  ...web,
  ports,
  user: z.string().min(1).optional().meta({ description: 'with password: basic authentication' }),
  password: secret.optional(),
  token: secret.optional().meta({ description: 'sent as Authorization: Bearer …' }),
  headers: z
    .record(z.string().regex(/^[a-z0-9-]+$/i, 'a header name'), secret)
    .default({})
    .meta({ description: 'secrets that go into headers, such as X-Api-Key' }),
  status: template.extend({ read: mapping }).meta({
    description: 'asked once for all ports, or once for each if {port} is in it',
  }),
  on: template,
  off: template,
  settle: settle(10),
});
export type HttpSwitchConfig = z.infer<typeof http>;

const portNumber = z.string().regex(/^[1-9]\d{0,2}$/, 'the number of a port');

const macAddress = z
  .string()
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i, 'the MAC address of the switch')
  .meta({ description: 'MAC address of the switch' });

const unifi = z.strictObject({
  ...shared,
  driver: z.literal('unifi'),
  ...web,
  ...account,
  site: z.string().min(1).default('default'),
  device: macAddress,
  names: z
    .record(portNumber, z.string())
    .default({})
    .meta({ description: 'names ports must have to be switched: a guard against cables that were moved' }),
  modes: z
    .record(
      portNumber,
      z
        .string()
        .regex(/^[a-z0-9]+$/, 'a PoE mode such as auto or pasv24')
        .refine((mode) => mode !== 'off', 'a mode that is on'),
    )
    .default({})
    .meta({ description: 'how ports are switched on that are not auto, such as pasv24' }),
  every: interval(10),
  settle: settle(90),
});
export type UnifiConfig = z.infer<typeof unifi>;

/** The official interface: reads, and cannot switch. */
const unifiApi = z.strictObject({
  ...shared,
  driver: z.literal('unifi-api'),
  ...web,
  key: secret.meta({ description: 'API key of the console' }),
  site: z.string().min(1).default('default'),
  device: macAddress,
  every: interval(10),
  settle: settle(10),
});
export type UnifiApiConfig = z.infer<typeof unifiApi>;

const netgear = z.strictObject({ ...shared, ...web, password: secret, every: interval(10), ...netgearSwitch });
export type NetgearConfig = z.infer<typeof netgear>;

const poeSerial = z.strictObject({ ...shared, ...serialSwitch });

const i2c = z.strictObject({ ...shared, ...i2cSwitch });

const modbus = z.strictObject({ ...shared, ...modbusSwitch });

export const switchSchema = z.discriminatedUnion('driver', [
  modbus,
  i2c,
  netgear,
  poeSerial,
  snmp,
  mikrotik,
  openwrt,
  exec,
  http,
  unifi,
  unifiApi,
]);
export type SwitchConfig = z.infer<typeof switchSchema>;
