import type { Sight } from '../../../services/cli/demo-witness.ts';
import type { StageSchedule } from '../../../services/shutdown/view.ts';

export const WALL_MS = Date.UTC(2026, 0, 1);

const stage = (name: string, state: StageSchedule['state']): StageSchedule => ({
  name,
  hosts: [],
  state,
  mustBeginBelowWh: 1,
  durationS: 1,
  loadAfterW: 1,
});

export const stagesIn = (state: StageSchedule['state']): Sight['schedule'] => ({
  basis: 'if-mains-failed',
  usableWh: 900,
  reserveWh: 100,
  loadW: 200,
  feasible: true,
  stages: [stage('workers', state), stage('control-plane', state)],
});

/** A small rack as the demo sees it: two nodes and a router, all well. */
export function sight(timeS: number, change: Partial<Sight> = {}): Sight {
  return {
    timeS,
    wallMs: WALL_MS + timeS * 1000,
    mainsPresent: true,
    socRatio: 0.9,
    loadW: 200,
    hosts: [
      { id: 'pi1', state: 'running', powerW: 7 },
      { id: 'pi2', state: 'running', powerW: 7 },
      { id: 'router', state: 'running', powerW: 20 },
    ],
    ports: [
      { port: '1', enabled: true, hostId: 'pi1' },
      { port: '2', enabled: true, hostId: 'pi2' },
      { port: '3', enabled: false },
    ],
    nodes: [
      { name: 'pi1', unschedulable: false, ready: true },
      { name: 'pi2', unschedulable: true, ready: true },
    ],
    violations: [],
    phase: 'mains',
    schedule: stagesIn('waiting'),
    reserveRatio: 0.1,
    views: ['pi1', 'pi2', 'router'].map((id) => ({
      id,
      phase: 'up',
      sinceWallMs: WALL_MS,
      protected: id === 'router',
      reachable: true,
      forced: false,
      ...(id === 'router' ? {} : { stage: 'workers' }),
    })),
    ...change,
  };
}
