import { z } from 'zod';
import { duration, identifier, seconds, secret } from './values.ts';

/** PoE switches: what all have, and what each driver needs. */

const shared = {
  id: identifier,
  /** Budget to assume where the switch does not tell, or tells wrong. */
  budgetW: z.number().positive().optional().meta({ unit: 'W' }),
  every: seconds(2),
  staleAfter: duration.optional(),
  /** Ports that can never be cut: uplinks, this machine, other switches. */
  protect: z.array(z.union([z.string(), z.int().transform(String)])).default([]),
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
  /** Vendor table with watts per port: a known name, or the column's OID and its factor to watts. */
  portWatts: z
    .union([
      z.enum(['cisco', 'ciscosb', 'netgear', 'procurve', 'aruba-cx', 'mikrotik', 'tp-link']),
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

export const switchSchema = z.discriminatedUnion('driver', [snmp, mikrotik, openwrt]);
export type SwitchConfig = z.infer<typeof switchSchema>;
