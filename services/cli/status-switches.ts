import type { Rack } from '../rack/rack.ts';
import type { HostView } from '../shutdown/view.ts';

/** A line for each PoE switch: what it gives of its budget, what is left, and which port would lose power first. */
export function switchLines({ switches }: Pick<Rack, 'switches'>, hosts: readonly HostView[]): string[] {
  return Object.entries(switches).map(([id, { sample, freshness }]) => {
    if (sample === undefined || freshness !== 'fresh') return `switch    ${id}: ${freshness}`;
    const { budgetW, drawnW, headroomW, dropOrder } = sample;
    const drawn = drawnW === undefined ? 'draw unknown' : watts(drawnW);
    const of = budgetW === undefined ? '' : ` of ${watts(budgetW)}`;
    const [first] = dropOrder ?? [];
    const host = hosts.find(({ switchId, port }) => switchId === id && port === first)?.id;
    const told = [
      `${drawn}${of}`,
      ...(headroomW === undefined ? [] : [`${watts(headroomW)} left`]),
      ...(first === undefined || headroomW === undefined
        ? []
        : [`port ${first}${host === undefined ? '' : ` (${host})`} would lose power first`]),
    ];
    return `switch    ${id}: ${told.join(', ')}`;
  });
}

const watts = (value: number): string => `${value.toFixed(Math.abs(value) < 10 ? 1 : 0)} W`;
