/**
 * Rows of a recording in an answer of holdover's own history (`GET /api/v1/history?series=holdover_pack_voltage_volts,…`):
 * columns of equal length with null where nothing was known. Read loosely: it belongs to the service.
 */
export interface HistoryRow {
  /** ms since the epoch. */
  readonly atMs: number;
  readonly volts: number;
  /** As in holdover: positive charges the pack. */
  readonly amperes: number;
  readonly soc: number | undefined;
}

/** The bank is one pack to the planner; a pack's own series are taken where the bank's are not there. */
const KINDS = ['holdover_bank', 'holdover_pack'] as const;
const EXAMPLE =
  '/api/v1/history?series=holdover_bank_voltage_volts,holdover_bank_current_amperes,holdover_bank_soc_ratio&step=10';

interface Column {
  readonly name: string;
  readonly pack: string;
  readonly mean: readonly unknown[];
}

/** The rows; a text says what is missing; undefined when it is no such answer at all. */
export function historyRows(document: unknown): readonly HistoryRow[] | string | undefined {
  if (typeof document !== 'object' || document === null) return undefined;
  const { atMs, series } = document as { atMs?: unknown; series?: unknown };
  if (!Array.isArray(atMs) || !Array.isArray(series)) return undefined;
  const columns = series.flatMap(columnOf);
  const kind = KINDS.find((one) => columns.some(({ name }) => name === `${one}_voltage_volts`));
  if (kind === undefined) return `there is no voltage in it: ask for ${EXAMPLE}`;
  const volts = columns.filter(({ name }) => name === `${kind}_voltage_volts`);
  const [first, other] = volts;
  if (first === undefined || other !== undefined) {
    return `it holds the packs ${volts.map(({ pack }) => pack).join(', ')}: leave one in it, or ask for the bank`;
  }
  const same = (figure: string): Column | undefined =>
    columns.find(({ name, pack }) => name === `${kind}_${figure}` && pack === first.pack);
  const amperes = same('current_amperes');
  if (amperes === undefined) return `there is no current in it: ask for ${EXAMPLE}`;
  const soc = same('soc_ratio');
  return atMs.flatMap((at: unknown, i): HistoryRow[] => {
    const [v, a, s] = [first.mean[i], amperes.mean[i], soc?.mean[i]];
    if (typeof at !== 'number' || typeof v !== 'number' || typeof a !== 'number') return [];
    return [{ atMs: at, volts: v, amperes: a, soc: typeof s === 'number' ? s : undefined }];
  });
}

function columnOf(one: unknown): Column[] {
  if (typeof one !== 'object' || one === null) return [];
  const { name, labels, mean } = one as { name?: unknown; labels?: { pack?: unknown } | null; mean?: unknown };
  if (typeof name !== 'string' || !Array.isArray(mean)) return [];
  return [{ name, pack: typeof labels?.pack === 'string' ? labels.pack : '', mean }];
}
