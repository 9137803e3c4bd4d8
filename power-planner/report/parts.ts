import type { PackFigures } from '../answers/pack.ts';
import type { PackOffer } from '../answers/size.ts';
import type { Scenario } from '../scenario/schema.ts';

/** Something to buy. Price and mass of all of them; absent when the catalogue does not tell. */
export interface Part {
  readonly count: number;
  readonly what: string;
  readonly costUsd?: number;
  readonly massKg?: number;
}

/** What a rack is made of: the pack of the scenario, or the one that was found for it, and what hangs on it. */
export function partsOf(
  scenario: Scenario,
  pack: PackFigures | undefined,
  winner: PackOffer | undefined,
): readonly Part[] {
  const { switches, loads, charger, inverter, pack: plan } = scenario;
  return [
    ...cellsOf(pack, winner),
    ...(pack === undefined && winner === undefined ? [] : around(plan, pack?.series ?? winner?.series ?? 0)),
    ...(charger === undefined ? [] : [{ count: 1, what: `charger${sized(charger.amps, 'A', charger.watts)}` }]),
    ...(inverter === undefined ? [] : [{ count: 1, what: 'inverter' }]),
    ...switches.map(({ id, device, count }) => ({ count, what: `switch ${device ?? id}` })),
    ...loads.map(({ id, device, count }) => ({ count, what: device ?? id ?? 'load' })),
  ];
}

function cellsOf(pack: PackFigures | undefined, winner: PackOffer | undefined): readonly Part[] {
  if (pack !== undefined) {
    const { cell, series, parallel, costUsd, massKg } = pack;
    return [
      {
        count: series * parallel,
        what: `cell ${cell}`,
        ...(costUsd !== null && { costUsd }),
        ...(massKg !== null && { massKg }),
      },
    ];
  }
  if (winner === undefined) return [];
  const { cell, series, parallel, costUsd, massKg } = winner;
  return [{ count: series * parallel, what: `cell ${cell} (the best found)`, costUsd, massKg }];
}

function around(plan: Scenario['pack'], series: number): readonly Part[] {
  const fuse = plan?.fuse;
  const rated = typeof fuse === 'object' ? ` ${fuse.amps} A${sized(fuse.breakingKiloamps, 'kA')}` : '';
  return [
    { count: 1, what: `BMS for ${series} cells in series${sized(plan?.bmsAmps, 'A')}` },
    { count: 1, what: `fuse at the pack${rated}` },
  ];
}

const sized = (value: number | undefined, unit: string, watts?: number): string => {
  if (value !== undefined) return `, ${value} ${unit}`;
  return watts === undefined ? '' : `, ${watts} W`;
};

/** Sum of what has a price, USD, and whether some have none. */
export function costOf(parts: readonly Part[]): { readonly knownUsd: number; readonly unpriced: number } {
  let knownUsd = 0;
  let unpriced = 0;
  for (const { costUsd } of parts) {
    if (costUsd === undefined) unpriced++;
    else knownUsd += costUsd;
  }
  return { knownUsd, unpriced };
}
