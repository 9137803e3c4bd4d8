import type { PortState } from '../rack/samples.ts';
import type { PortReading } from './columns.ts';
import { DECI, figures, MILLI, supply, type VendorTable } from './vendor-table.ts';

/** Private MIBs that have words of their own for what RFC 3621 tells too, because their agents do not speak it, or otherwise. */

const MIKROTIK = '1.3.6.1.4.1.14988.1.1.15.1.1';
const TP_LINK = '1.3.6.1.4.1.11863.6.56.1.1.2.1.1';
const TP_LINK_SYSTEM = '1.3.6.1.4.1.11863.6.56.1.1.1';
const HUAWEI = '1.3.6.1.4.1.2011.5.25.195.3.1';
const NETONIX = '1.3.6.1.4.1.46242';

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

/** MIKROTIK-MIB mtxrPOE: read-only, knows neither budget nor admin state. */
export const mikrotik: VendorTable = {
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
};

/** Nine states; 3 to 9 are different faults. */
const tpLinkState = (raw: number): PortReading['state'] => {
  if (raw < 0 || raw > 9) return 'unknown';
  return (['off', 'searching', 'delivering'] as const)[raw] ?? 'fault';
};

/** TPLINK-POWER-OVER-ETHERNET-MIB: its own on/off (1/0) and its own priorities. */
export const tpLink: VendorTable = {
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
    supply(`${TP_LINK_SYSTEM}.1`, 'scalar', 'budgetW', DECI),
    supply(`${TP_LINK_SYSTEM}.3`, 'scalar', 'drawnW', DECI),
  ],
  switching: { oid: `${TP_LINK}.2`, index: 'port', on: 1, off: 0 },
};

/**
 * Huawei: ports by ifIndex, which is not the port number of RFC 3621, and on/off of its own. It has no detection state;
 * a port with watts delivers. Its slots are numbered in a third way, so the total is the sum of the ports.
 */
export const huawei: VendorTable = {
  before: [],
  after: [
    {
      of: 'port',
      index: 'port',
      oid: `${HUAWEI}.3`,
      field: 'enabled',
      read: (raw) => (raw === 1 ? true : raw === 2 ? false : undefined),
    },
    ...figures(HUAWEI, 'port', { powerW: [10, MILLI] }),
    {
      of: 'port',
      index: 'port',
      oid: `${HUAWEI}.10`,
      field: 'state',
      read: (raw) => (raw > 0 ? 'delivering' : 'off'),
    },
  ],
  switching: { oid: `${HUAWEI}.3`, index: 'port', on: 1, off: 2 },
  alone: true,
};

/** Netonix: the voltage each port is set to, as text (`Off`, `24V`, `48V`, …), and what all draw. Passive PoE, read-only. */
export const netonix: VendorTable = {
  before: [],
  after: [
    {
      of: 'port',
      index: 'port',
      oid: `${NETONIX}.5.1.2`,
      field: 'enabled',
      read: () => undefined,
      readText: (text) => (text === 'Off' ? false : /^\d{2}V/.test(text) ? true : undefined),
    },
    supply(`${NETONIX}.6`, 'scalar', 'drawnW', DECI),
  ],
  alone: true,
};
