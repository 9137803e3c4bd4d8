import { decide } from '../../services/shutdown/decide.ts';
import { initialState } from '../../services/shutdown/evolve.ts';
import { planSchedule, type ScheduleInput } from '../../services/shutdown/schedule.ts';
import { emptyWatch } from '../../services/shutdown/turn.ts';
import { type Bench, type Figure, figure } from './bench.ts';
import { inTurns, repeat } from './in-turns.ts';
import { benchRack } from './racks.ts';

const TICK = { kind: 'tick' } as const;

/** The coordinator's thinking: it runs at least once a second and with every sample of a pack or meter. */
export const decideBench: Bench = {
  name: 'decide',
  about: 'one decision of the coordinator, and the schedule for many stages',
  async run({ runs }) {
    const figures: Figure[] = [];
    for (const nodes of [20, 54]) {
      const { store, policy, outage } = benchRack(nodes);
      for (const when of ['mains present', 'shutting down'] as const) {
        if (when === 'shutting down') outage();
        const rack = store.snapshot();
        const first = { state: initialState(policy, rack.monoMs), watch: emptyWatch };
        // The second look has nothing new to order and everything to watch, which is what most decisions are like.
        const before = when === 'mains present' ? first : decide(first, BEGIN, rack, policy);
        const times = await inTurns(
          repeat(() => decide(before, TICK, rack, policy)),
          repeat(() => JSON.stringify(rack)),
          runs,
        );
        const peer = { what: 'JSON.stringify of the rack it looks at', values: times.peer };
        figures.push(figure(`decide, ${nodes} nodes, ${when}`, 'µs', times.ours, peer));
      }
      const last = store.snapshot();
      const times = await inTurns(
        repeat(() => store.snapshot()),
        repeat(() => JSON.stringify(last)),
        runs,
      );
      const peer = { what: 'JSON.stringify of it', values: times.peer };
      figures.push(figure(`snapshot of the rack before it, ${nodes} nodes`, 'µs', times.ours, peer));
    }
    const [many, few] = [plan(1000), plan(100)];
    const times = await inTurns(
      repeat(() => planSchedule(many)),
      repeat(() => planSchedule(few)),
      runs,
    );
    const peer = { what: 'planSchedule of 100 stages', values: times.peer };
    figures.push(figure('planSchedule, 1000 stages of one host', 'µs', times.ours, peer));
    return { figures };
  },
};

/** An operator's word, so that every stage goes down at once whatever the battery holds. */
const BEGIN = { kind: 'command', command: { kind: 'begin' }, author: 'bench' } as const;

function plan(stages: number): ScheduleInput {
  return {
    basis: 'live',
    usableWh: stages * 20,
    fullWh: stages * 25,
    socRatio: 0.8,
    reserveWh: stages,
    margin: 1.5,
    loadW: stages * 10,
    onBatteryS: 30,
    held: false,
    stages: Array.from({ length: stages }, (_, at) => ({
      name: `stage-${at}`,
      hosts: [`host-${at}`],
      state: 'waiting' as const,
      dropW: 7,
      durationS: 40 + (at % 7),
    })),
  };
}
