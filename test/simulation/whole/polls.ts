import type { Config } from '../../../services/config/schema.ts';
import { HOST_PROBE_S, type RackStore } from '../../../services/rack/store.ts';
import type { Phase } from '../../../services/shutdown/state.ts';
import type { TroubledRack } from './troubled-rack.ts';
import type { Active } from './troubles.ts';

/** Who polls, and when. */
export interface Poll {
  readonly config: Config;
  readonly rack: TroubledRack;
  readonly active: Active;
  readonly store: RackStore;
  readonly atS: number;
  readonly phase: Phase;
  /** What the machine takes for the time; the API server's clock is its own. */
  readonly wallMs: number;
  /** Told of every device that was read. */
  heard?(kind: 'pack' | 'meter' | 'switch' | 'host' | 'cluster', id: string): void;
}

/** Everything that polls would have brought in this second. */
export function poll({ config, rack, active, store, atS, phase, wallMs, heard }: Poll): void {
  const sampled = ((kind, id, sample) => {
    heard?.(kind as Parameters<NonNullable<Poll['heard']>>[0], id);
    return store.sampled(kind, id, sample);
  }) satisfies RackStore['sampled'];
  const due = (everyS: number): boolean => atS % Math.max(1, Math.round(everyS)) === 0;
  for (const { id, every } of config.packs)
    if (due(every) && !active.bites('silent-pack')) sampled('pack', id, rack.packSample(id));
  for (const { id, every } of config.meters)
    if (due(every) && !active.bites('silent-meter')) sampled('meter', id, rack.meterSample());
  for (const { id, every, budgetW } of config.switches) {
    const dead = (rack.bank.open && !rack.mains) || rack.restarting(id);
    if (due(every) && !active.bites('silent-switch') && !dead) sampled('switch', id, rack.switchSample(id, budgetW));
  }
  const probeS = phase === 'mains' ? HOST_PROBE_S : 1;
  if (!active.bites('silent-probes') && due(probeS))
    for (const { id } of config.hosts) sampled('host', id, rack.hostSample(id));
  if (!due(config.cluster?.every ?? 1)) return;
  if (rack.apiAvailable) sampled('cluster', 'cluster', { ...rack.clusterSample(), measuredAtMs: wallMs });
  else if (active.on('api-gone')) active.bit('api-gone');
}
