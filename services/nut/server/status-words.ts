import type { AlarmCode } from '#bms/model';
import type { Rack } from '../../rack/rack.ts';

/** Below this the pack neither charges nor discharges worth a word, W. */
const FLOWING_W = 5;
/** State of health at which a pack should be replaced. */
const WORN_OUT = 0.7;

const BROKEN: ReadonlySet<AlarmCode> = new Set(['front-end-fault', 'mosfet-fault', 'short-circuit']);
const TOO_HIGH: ReadonlySet<AlarmCode> = new Set(['cell-overvoltage', 'pack-overvoltage']);
/** Protections that may take the power away. Others (too cold to charge, full) are a BMS's daily life. */
const THREATENING: ReadonlySet<AlarmCode> = new Set([
  'cell-undervoltage',
  'pack-undervoltage',
  'discharge-overtemperature',
  'discharge-undertemperature',
  'mosfet-overtemperature',
  'discharge-overcurrent',
  'short-circuit',
  'front-end-fault',
  'mosfet-fault',
]);

export interface StatusWords {
  /** Words of ups.status apart from FSD and LB, which depend on who asks. */
  readonly words: readonly string[];
  /** For ups.alarm, where ALARM is among the words. */
  readonly alarm?: string;
}

/**
 * What a rack is in the words of ups.status. ALARM is rare on purpose: with it a later loss of communication makes upsmon
 * shut down at once. OL and OB follow the verdict on mains; WAIT stands for a verdict that is not there yet. Pure.
 */
export function statusWords(rack: Rack): StatusWords {
  const { verdict } = rack.mains;
  const alarm = alarmText(rack);
  const words = [
    ...(alarm === undefined ? [] : ['ALARM']),
    verdict === 'present' ? 'OL' : verdict === 'absent' ? 'OB' : 'WAIT',
    ...(worn(rack) ? ['RB'] : []),
    ...(has(rack, TOO_HIGH, 'any') ? ['HB'] : []),
    ...(overloaded(rack) ? ['OVER'] : []),
    ...flow(rack),
  ];
  return { words, ...(alarm === undefined ? {} : { alarm }) };
}

/** `charging`, `discharging` or `resting`; absent when the current is not known. */
export function chargerStatus({ bank }: Rack): 'charging' | 'discharging' | 'resting' | undefined {
  const { voltageV, currentA } = bank;
  const powerW = bank.powerW ?? (voltageV === undefined || currentA === undefined ? undefined : voltageV * currentA);
  if (powerW === undefined) return undefined;
  return powerW > FLOWING_W ? 'charging' : powerW < -FLOWING_W ? 'discharging' : 'resting';
}

function flow(rack: Rack): string[] {
  const status = chargerStatus(rack);
  return status === 'charging' ? ['CHRG'] : status === 'discharging' ? ['DISCHRG'] : [];
}

function worn(rack: Rack): boolean {
  const old = Object.values(rack.packs).some(
    ({ freshness, sample }) => freshness === 'fresh' && (sample?.sohRatio ?? 1) < WORN_OUT,
  );
  return old || has(rack, BROKEN, 'any');
}

function overloaded({ circuit, switches }: Rack): boolean {
  if (circuit.freshness === 'fresh' && circuit.currentA !== undefined && circuit.currentA > circuit.limitA) return true;
  return Object.values(switches).some(
    ({ freshness, sample }) =>
      freshness === 'fresh' &&
      sample?.totalTrusted === true &&
      sample.budgetW !== undefined &&
      sample.drawnW !== undefined &&
      sample.drawnW > sample.budgetW,
  );
}

const has = (rack: Rack, codes: ReadonlySet<AlarmCode>, level: 'any' | 'protection'): boolean =>
  found(rack, codes, level).length > 0;

function found(rack: Rack, codes: ReadonlySet<AlarmCode>, level: 'any' | 'protection'): string[] {
  return Object.entries(rack.packs).flatMap(([id, { freshness, sample }]) =>
    freshness !== 'fresh'
      ? []
      : (sample?.alarms ?? [])
          .filter((alarm) => codes.has(alarm.code) && (level === 'any' || alarm.level === level))
          .map(({ code }) => `${id}: ${code.replaceAll('-', ' ')}`),
  );
}

function alarmText(rack: Rack): string | undefined {
  const texts = found(rack, THREATENING, 'protection');
  return texts.length === 0 ? undefined : texts.join(', ');
}
