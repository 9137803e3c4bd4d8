import { packOf, socStart } from '#bms/model';
import type { Config } from '../../../services/config/schema.ts';
import { between, type Random } from '../random.ts';
import type { Remains } from './life.ts';
import { TroubledRack } from './troubled-rack.ts';
import type { Active } from './troubles.ts';

/** When every story begins. */
export const WALL_MS = Date.UTC(2026, 2, 1, 3, 0, 0);

export interface WholeRackPlan {
  readonly config: Config;
  readonly rng: Random;
  readonly seed: number;
  readonly active: Active;
  /** Hosts that do not halt, and nodes whose pods never leave; both change as the story goes on. */
  readonly hang: ReadonlySet<string>;
  readonly stuck: ReadonlySet<string>;
  /** Nodes that a person had cordoned before anything began. */
  readonly cordoned: ReadonlySet<string>;
  /** What the bank holds, as a share of what it says. */
  readonly truthRatio: number;
}

/** The rack of `wholeConfig`, with chance in what differs from rack to rack. */
export function wholeRack({
  config,
  rng,
  seed,
  active,
  hang,
  stuck,
  cordoned,
  truthRatio,
}: WholeRackPlan): TroubledRack {
  const socRatio = 0.4 + rng() * 0.6;
  const rack = new TroubledRack(
    {
      config,
      packs: config.packs.map((pack) => ({ id: pack.id, spec: packOf(pack), socRatio, truthRatio })),
      hostW: Object.fromEntries(config.hosts.map(({ id, powerW }) => [id, powerW])),
      otherW: 25,
      haltS: Object.fromEntries(config.hosts.map(({ id }) => [id, between(rng, 4, 14)])),
      bootS: 20,
      controlPlane: new Set(['cp1', 'cp2', 'cp3']),
      faults: { silent: new Set(), hang, disobey: new Set(), stuck },
      chargeC: 3,
      seed,
      wallMs: WALL_MS,
    },
    active,
  );
  for (const id of cordoned) {
    const node = rack.node(id);
    if (node !== undefined) node.unschedulable = true;
  }
  return rack;
}

/** What a service that has run for long knows of the charge. */
export function socNotes(config: Config, rack: TroubledRack): Remains['soc'] {
  return Object.fromEntries(
    config.packs.map((pack) => {
      const start = socStart(rack.packSample(pack.id), packOf(pack));
      const soc = { ...start, sigma: 0.02, countedSigma: 0.02, anchor: 'full' as const };
      return [pack.id, { soc, wallMs: WALL_MS }];
    }),
  );
}
