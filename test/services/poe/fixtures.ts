import { readFileSync } from 'node:fs';
import { configSchema, type SnmpSwitchConfig } from '../../../services/config/schema.ts';
import { AsnType, type Varbind } from '../../../services/poe/varbind.ts';

/** A varbind as the vectors write it. */
export type RecordedVarbind = readonly [oid: string, type: string, value: unknown];

export interface PoeVector {
  readonly id: string;
  readonly varbinds?: readonly RecordedVarbind[];
  readonly replies?: readonly RecordedVarbind[];
  readonly trap?: { readonly snmpTrapOID: string; readonly varbinds: readonly RecordedVarbind[] };
  readonly reply?: 'none' | { readonly error_status: number; readonly error_index: number };
  readonly call?: { readonly group: number; readonly port: number; readonly enable: boolean };
  readonly profile?: { readonly budget_scale?: number; readonly consumption_scale?: number };
  readonly oid?: string;
  readonly expect: Readonly<Record<string, unknown>>;
}

const path = new URL('../../fixtures/poe/poe-snmp.json', import.meta.url);
export const vectors: readonly PoeVector[] = JSON.parse(readFileSync(path, 'utf8')).cases;

export function vector(id: string): PoeVector {
  const found = vectors.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no vector ${id}`);
  return found;
}

const TYPES: Readonly<Record<string, number>> = {
  INTEGER: AsnType.integer,
  Counter32: AsnType.counter32,
  Gauge32: AsnType.gauge32,
  'OCTET STRING': AsnType.octetString,
  noSuchObject: AsnType.noSuchObject,
  noSuchInstance: AsnType.noSuchInstance,
  endOfMibView: AsnType.endOfMibView,
};

export const varbind = ([oid, type, value]: RecordedVarbind): Varbind => ({
  oid,
  type: TYPES[type] ?? 0,
  value: typeof value === 'string' ? Buffer.from(value) : value,
});

/** A switch's configuration with all defaults. */
export function switchConfig(more: Record<string, unknown> = {}): SnmpSwitchConfig {
  const [config] = configSchema.parse({
    switches: [{ id: 'sw1', driver: 'snmp', host: '127.0.0.1', ...more }],
  }).switches;
  if (config?.driver !== 'snmp') throw new Error('no switch');
  return config;
}
