import type { Observed, Rack } from '../../rack/rack.ts';
import type { Snapshot, StageSchedule } from '../../shutdown/view.ts';
import { decimal, plain } from './ascii.ts';
import { chargerStatus } from './status-words.ts';

/** What the configuration knows of the bank. */
export interface BankFacts {
  /** `LiFePO4`, `LTO`, …; absent when the packs differ. */
  readonly batteryType?: string | undefined;
  readonly capacityAh?: number | undefined;
  /** Largest load, W. */
  readonly nominalPowerW: number;
  readonly packs: number;
}

/**
 * Everything a bank says as a UPS, apart from its status: sorted names, values in NUT's units. What is not known is
 * left out. Pure.
 * @param measured what the metric catalogue has for NUT variables
 */
export function bankVariables(
  snapshot: Snapshot,
  facts: BankFacts,
  measured: Readonly<Record<string, string>>,
  written: readonly (readonly [string, string])[],
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const put = (name: string, value: string | number | undefined, digits = 0): void => {
    if (value === undefined) return;
    if (typeof value === 'string') found.set(name, plain(value));
    else if (Number.isFinite(value)) found.set(name, decimal(value, digits));
  };
  for (const [name, value] of Object.entries(measured)) put(name, value);
  battery(snapshot.rack, facts, put);
  identity(snapshot, put);
  load(snapshot, facts, put);
  shutdown(snapshot, put);
  for (const [name, value] of written) put(name, value);
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

type Put = (name: string, value: string | number | undefined, digits?: number) => void;

const fresh = <S>(sources: Readonly<Record<string, Observed<S>>>): S[] =>
  Object.values(sources).flatMap(({ freshness, sample }) =>
    freshness === 'fresh' && sample !== undefined ? [sample] : [],
  );

/** What the bank is made of: packs, or UPSes where there is no pack. */
const sources = ({ packs, ups = {} }: Rack): { readonly serial?: string }[] =>
  Object.keys(packs).length > 0 ? fresh(packs) : fresh(ups);

function battery(rack: Rack, facts: BankFacts, put: Put): void {
  const { bank } = rack;
  const temperatures = fresh(rack.packs).flatMap(({ temperaturesC }) => temperaturesC ?? []);
  const warmest = temperatures.length === 0 ? undefined : Math.max(...temperatures);
  put('battery.type', facts.batteryType);
  put('battery.capacity.nominal', facts.capacityAh, 1);
  put('battery.packs', facts.packs);
  put('battery.packs.bad', Math.max(0, facts.packs - sources(rack).length));
  put('battery.charger.status', chargerStatus(rack));
  put('battery.voltage.cell.min', bank.weakestCellV, 3);
  put('battery.temperature', warmest, 1);
  put('battery.temperature.cell.max', warmest, 1);
  put('battery.temperature.cell.min', temperatures.length === 0 ? undefined : Math.min(...temperatures), 1);
  put('experimental.battery.energy', bank.usableWh);
  put('experimental.battery.energy.low', bank.usableLowWh);
}

/** The serial is that of the packs themselves, so that a client knows the bank again; the site's name where none tells. */
function identity({ site, version, rack }: Snapshot, put: Put): void {
  const serials = sources(rack).flatMap(({ serial }) => serial ?? []);
  const serial = serials.length === 0 ? `holdover-${site}` : serials.join('+');
  for (const group of ['device', 'ups']) {
    put(`${group}.mfr`, 'holdover');
    put(`${group}.model`, `battery bank of ${site}`);
    put(`${group}.serial`, serial);
  }
  put('device.type', 'ups');
  put('ups.firmware', version);
  put('driver.name', 'holdover');
  put('driver.version', version);
}

function load({ coordinator }: Snapshot, { nominalPowerW }: BankFacts, put: Put): void {
  const { loadW } = coordinator.schedule;
  put('ups.realpower', loadW);
  put('ups.realpower.nominal', nominalPowerW);
  put('ups.load', (100 * loadW) / nominalPowerW);
}

function shutdown({ coordinator }: Snapshot, put: Put): void {
  const { schedule, phase, hosts } = coordinator;
  const live = schedule.basis === 'live';
  put('experimental.shutdown.phase', phase);
  if (live) put('experimental.shutdown.alloff', schedule.allOffInS);
  put('ups.timer.shutdown', timer(schedule.stages.at(-1), live));
  put('outlet.count', schedule.stages.length);
  schedule.stages.forEach((stage, index) => {
    const outlet = `outlet.${index + 1}`;
    const own = hosts.filter(({ id }) => stage.hosts.includes(id));
    const draws = own.flatMap(({ powerW }) => powerW ?? []);
    put(`${outlet}.id`, index + 1);
    put(`${outlet}.name`, stage.name);
    put(`${outlet}.desc`, `${stage.state}: ${stage.hosts.join(' ')}`);
    put(`${outlet}.status`, stage.state === 'down' ? 'off' : 'on');
    put(`${outlet}.switchable`, 'no');
    if (draws.length > 0)
      put(
        `${outlet}.realpower`,
        draws.reduce((sum, watts) => sum + watts, 0),
        1,
      );
    put(`${outlet}.delay.shutdown`, stage.durationS);
    put(`${outlet}.timer.shutdown`, timer(stage, live));
  });
}

/** Seconds until a stage begins; 0 when it has, -1 while nothing counts. */
function timer(stage: StageSchedule | undefined, live: boolean): number {
  if (!live || stage === undefined) return -1;
  if (stage.state === 'going-down' || stage.state === 'down') return 0;
  return stage.beginsInS === undefined ? -1 : Math.max(0, stage.beginsInS);
}
