import type { SnmpSwitchConfig } from '../config/schema.ts';
import type { Column } from './columns.ts';
import { huawei, mikrotik, netonix, tpLink } from './vendor-own.ts';
import { DECI, figures, MILLI, portWatts, supply, type VendorTable } from './vendor-table.ts';

/** Private MIBs with figures per port, by the names under which they are configured. */

type Known = Extract<NonNullable<SnmpSwitchConfig['portWatts']>, string>;

/** Beside RFC 3621, with its numbers of groups and ports. */
const beside = (
  entry: string,
  scales: Parameters<typeof figures>[2],
  more: { readonly before?: readonly Column[]; readonly after?: readonly Column[] } = {},
): VendorTable => ({
  before: more.before ?? [],
  after: [...figures(entry, 'group.port', scales), ...(more.after ?? [])],
});

/** FASTPATH-POWER-ETHERNET-MIB: one software in the switches of several makers, under the root of each. */
const fastpath = (root: string): VendorTable =>
  beside(`${root}.1.1.1`, { powerW: [2, MILLI], currentA: [3, MILLI], voltageV: [4, MILLI] });

const CISCO = '1.3.6.1.4.1.9.9.402.1';
const CISCO_SB = '1.3.6.1.4.1.9.6.1.101.108';
const ARUBA_CX = '1.3.6.1.4.1.47196.4.1.1.3.8.1.1.1';
const EXTREME = '1.3.6.1.4.1.1916.1.27';
const ZYXEL = '1.3.6.1.4.1.890.1.15.3.59.2.1.1.1';

const TABLES: Readonly<Record<Known, VendorTable>> = {
  // CISCO-POWER-ETHERNET-EXT-MIB. What it calls used is what it has promised; the remainder is that to its budget.
  cisco: beside(
    `${CISCO}.2.1`,
    { powerW: [9, MILLI], reservedW: [7, MILLI] },
    {
      after: [
        supply(`${CISCO}.3.1.4`, 'group', 'reservedW', MILLI),
        supply(`${CISCO}.3.1.5`, 'group', 'remainingW', MILLI),
      ],
    },
  ),
  // CISCOSB-POE-MIB
  ciscosb: beside(
    `${CISCO_SB}.1.1`,
    { powerW: [5, MILLI], voltageV: [3, MILLI], currentA: [4, MILLI] },
    {
      after: [
        supply(`${CISCO_SB}.2.1.5`, 'group', 'guardW', 1),
        // 0 and 6 limit ports by figures that are set; only 5 promises classes.
        {
          of: 'group',
          index: 'group',
          oid: `${CISCO_SB}.2.1.6`,
          field: 'admission',
          read: (raw) => (raw === 5 ? 'static' : undefined),
        },
      ],
    },
  ),
  netgear: fastpath('1.3.6.1.4.1.4526.10.15'),
  'netgear-smart': fastpath('1.3.6.1.4.1.4526.11.15'),
  // FSM7326: of its table only the watts are known
  'netgear-old': portWatts('1.3.6.1.4.1.4526.1.9.15.1.1.1.2', 'group.port', MILLI),
  'dell-n': portWatts('1.3.6.1.4.1.674.10895.5000.2.6132.1.1.15.1.1.1.2', 'group.port', MILLI),
  // HP-ICF-POE-MIB
  procurve: beside('1.3.6.1.4.1.11.2.14.11.1.9.1.1.1', {
    powerW: [3, MILLI],
    currentA: [1, MILLI],
    voltageV: [2, DECI],
  }),
  // ARUBAWIRED-POE-MIB
  'aruba-cx': beside(
    ARUBA_CX,
    { powerW: [7, MILLI], currentA: [4, MILLI], voltageV: [5, DECI], reservedW: [6, MILLI] },
    {
      before: [
        {
          of: 'port',
          index: 'group.port',
          oid: `${ARUBA_CX}.12`,
          field: 'poeClass',
          read: (raw) => (raw >= 1 && raw <= 9 ? raw - 1 : undefined),
        },
      ],
    },
  ),
  // EXTREME-POE-MIB: slots are the groups of RFC 3621
  extreme: beside(
    `${EXTREME}.2.1.1`,
    { powerW: [6, MILLI] },
    { after: [supply(`${EXTREME}.1.2.1.14`, 'group', 'drawnW', MILLI)] },
  ),
  intellinet: portWatts('1.3.6.1.4.1.54367.1.2.2.4.4.1.3', 'port', MILLI),
  huawei,
  mikrotik,
  netonix,
  'tp-link': tpLink,
};

/** The vendor's columns for a configured name, or one made of a column given by its OID. */
export function vendorTable(configured: SnmpSwitchConfig['portWatts']): VendorTable {
  if (configured === undefined) return { before: [], after: [] };
  if (typeof configured === 'string') return TABLES[configured];
  if ('table' in configured) return portWatts(ZYXEL, 'port', configured.scale);
  return portWatts(configured.oid, configured.index, configured.scale);
}

/** What is read with a vendor's table: its columns and those of RFC 3621, the first of which wins. */
export function columnsWith({ before, after, alone }: VendorTable, standard: readonly Column[]): readonly Column[] {
  const kept = alone ? standard.filter(({ field }) => field === 'budgetW') : standard;
  return [...before, ...kept, ...after];
}
