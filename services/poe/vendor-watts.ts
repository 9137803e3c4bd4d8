import type { SnmpSwitchConfig } from '../config/schema.ts';
import type { PortState } from '../rack/samples.ts';
import { type Column, figure, type PortColumn, type PortReading } from './columns.ts';
import type { SwitchingColumn } from './rfc3621.ts';

/** Private MIBs with figures per port. RFC 3621 has none, so this is the only way to a port's watts. */
export interface VendorTable {
  /** Go before the columns of RFC 3621: they know more (classes above 4). */
  readonly before: readonly Column[];
  /** Go after: RFC 3621 wins where it tells the same. */
  readonly after: readonly Column[];
  /** For switches whose ports are not switched through RFC 3621. */
  readonly switching?: SwitchingColumn;
}

type Index = PortColumn['index'];
type Scales = {
  readonly [F in 'powerW' | 'voltageV' | 'currentA' | 'reservedW']?: readonly [column: number, scale: number];
};

const MILLI = 0.001;
const DECI = 0.1;
/** Class 8 at its port is 90 W; more is another unit, or nonsense. */
const MOST = { powerW: 200, reservedW: 200, voltageV: 100, currentA: 5 } as const;

const figures = (entry: string, index: Index, scales: Scales): Column[] =>
  (['powerW', 'voltageV', 'currentA', 'reservedW'] as const).flatMap((field) => {
    const place = scales[field];
    if (place === undefined) return [];
    const [column, scale] = place;
    return [{ of: 'port', index, oid: `${entry}.${column}`, field, read: figure(scale, MOST[field]) } satisfies Column];
  });

const table = (entry: string, index: Index, scales: Scales, before: readonly Column[] = []): VendorTable => ({
  before,
  after: figures(entry, index, scales),
});

type Known = Extract<NonNullable<SnmpSwitchConfig['portWatts']>, string>;

const ARUBA_CX = '1.3.6.1.4.1.47196.4.1.1.3.8.1.1.1';
const MIKROTIK = '1.3.6.1.4.1.14988.1.1.15.1.1';
const TP_LINK = '1.3.6.1.4.1.11863.6.56.1.1.2.1.1';
const TP_LINK_SYSTEM = '1.3.6.1.4.1.11863.6.56.1.1.1';

const MIKROTIK_STATES: readonly (PortState | undefined)[] = [
  undefined,
  'disabled',
  'searching', // waiting for load
  'delivering',
  'fault', // overload
  'fault', // short circuit
  'fault', // voltage too low
  'searching', // current too low: the load went away
  'searching', // power reset
  'fault', // voltage too high
  'fault', // controller error
  'unknown', // controller upgrade
  'unknown', // this port is fed itself
  'fault', // no valid supply
  'unknown', // controller init
  'fault', // low voltage too low
];

/** Nine states; 3 to 9 are different faults. */
const tpLinkState = (raw: number): PortReading['state'] => {
  if (raw < 0 || raw > 9) return 'unknown';
  return (['off', 'searching', 'delivering'] as const)[raw] ?? 'fault';
};

const TABLES: Readonly<Record<Known, VendorTable>> = {
  // CISCO-POWER-ETHERNET-EXT-MIB
  cisco: table('1.3.6.1.4.1.9.9.402.1.2.1', 'group.port', { powerW: [9, MILLI], reservedW: [7, MILLI] }),
  // CISCOSB-POE-MIB
  ciscosb: table('1.3.6.1.4.1.9.6.1.101.108.1.1', 'group.port', {
    powerW: [5, MILLI],
    voltageV: [3, MILLI],
    currentA: [4, MILLI],
  }),
  // FASTPATH-POWER-ETHERNET-MIB, fully managed Netgear
  netgear: table('1.3.6.1.4.1.4526.10.15.1.1.1', 'group.port', {
    powerW: [2, MILLI],
    currentA: [3, MILLI],
    voltageV: [4, MILLI],
  }),
  // HP-ICF-POE-MIB
  procurve: table('1.3.6.1.4.1.11.2.14.11.1.9.1.1.1', 'group.port', {
    powerW: [3, MILLI],
    currentA: [1, MILLI],
    voltageV: [2, DECI],
  }),
  // ARUBAWIRED-POE-MIB
  'aruba-cx': table(
    ARUBA_CX,
    'group.port',
    { powerW: [7, MILLI], currentA: [4, MILLI], voltageV: [5, DECI], reservedW: [6, MILLI] },
    [
      {
        of: 'port',
        index: 'group.port',
        oid: `${ARUBA_CX}.12`,
        field: 'poeClass',
        read: (raw) => (raw >= 1 && raw <= 9 ? raw - 1 : undefined),
      },
    ],
  ),
  // MIKROTIK-MIB mtxrPOE: read-only, knows neither budget nor admin state
  mikrotik: {
    before: [],
    after: [
      {
        of: 'port',
        index: 'port',
        oid: `${MIKROTIK}.3`,
        field: 'state',
        read: (raw) => MIKROTIK_STATES[raw] ?? 'unknown',
      },
      ...figures(MIKROTIK, 'port', { powerW: [6, DECI], currentA: [5, MILLI], voltageV: [4, DECI] }),
    ],
  },
  // TPLINK-POWER-OVER-ETHERNET-MIB: its own on/off (1/0) and its own priorities
  'tp-link': {
    before: [],
    after: [
      {
        of: 'port',
        index: 'port',
        oid: `${TP_LINK}.2`,
        field: 'enabled',
        read: (raw) => (raw === 1 ? true : raw === 0 ? false : undefined),
      },
      // 1 is "middle", which has no word in ours
      {
        of: 'port',
        index: 'port',
        oid: `${TP_LINK}.3`,
        field: 'priority',
        read: (raw) => (raw === 0 ? 'high' : raw === 2 ? 'low' : undefined),
      },
      {
        of: 'port',
        index: 'port',
        oid: `${TP_LINK}.10`,
        field: 'poeClass',
        read: (raw) => (raw >= 0 && raw <= 4 ? raw : undefined),
      },
      { of: 'port', index: 'port', oid: `${TP_LINK}.11`, field: 'state', read: tpLinkState },
      ...figures(TP_LINK, 'port', { powerW: [7, DECI], currentA: [8, MILLI], voltageV: [9, DECI] }),
      { of: 'group', index: 'scalar', oid: `${TP_LINK_SYSTEM}.1`, field: 'budgetW', read: figure(DECI, 65_535) },
      { of: 'group', index: 'scalar', oid: `${TP_LINK_SYSTEM}.3`, field: 'drawnW', read: figure(DECI, 65_535) },
    ],
    switching: { oid: `${TP_LINK}.2`, index: 'port', on: 1, off: 0 },
  },
};

/** The vendor's columns for a configured name, or one made of a column given by its OID. */
export function vendorTable(portWatts: SnmpSwitchConfig['portWatts']): VendorTable {
  if (portWatts === undefined) return { before: [], after: [] };
  if (typeof portWatts === 'string') return TABLES[portWatts];
  const { oid, index, scale } = portWatts;
  return { before: [], after: [{ of: 'port', index, oid, field: 'powerW', read: figure(scale, MOST.powerW) }] };
}
