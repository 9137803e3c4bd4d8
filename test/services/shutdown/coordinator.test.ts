import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../../services/runtime/clock.ts';
import type { Log } from '../../../services/runtime/log.ts';
import { Coordinator } from '../../../services/shutdown/coordinator.ts';
import { Journal, readJournal } from '../../../services/shutdown/journal.ts';
import type { JournalEntry } from '../../../services/shutdown/state.ts';
import { RackSketch, smallPolicy } from './small-rack.ts';

/** The real journal in a folder of its own; time and edges are played. */

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdover-coordinator-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Sleepers wake when time is moved. */
class PlayedClock implements Clock {
  readonly #rack: RackSketch;
  readonly #sleepers = new Set<() => void>();

  constructor(rack: RackSketch) {
    this.#rack = rack;
  }

  monoMs(): number {
    return this.#rack.nowMs;
  }

  wallMs(): number {
    return this.#rack.nowMs + this.#rack.wallOffsetMs;
  }

  sleep(_: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        this.#sleepers.delete(wake);
        resolve();
      };
      this.#sleepers.add(wake);
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(wake);
        reject(signal.reason);
      });
    });
  }

  get sleepers(): number {
    return this.#sleepers.size;
  }

  wakeAll(): void {
    for (const wake of [...this.#sleepers]) wake();
  }
}

const say = () => vi.fn<(fields: object, message: string) => void>();
const quiet = () => ({ debug: say(), info: say(), warn: say(), error: say() }) satisfies Log;

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
};

function build(rack = new RackSketch(smallPolicy())) {
  const policy = smallPolicy();
  const clock = new PlayedClock(rack);
  const journal = new Journal(dir, () => clock.wallMs());
  const asked: string[] = [];
  /** What is on the disk at the moment an edge is asked. */
  const onDisk: Record<string, readonly JournalEntry[]> = {};
  const done = async (what: string): Promise<{ code: 'done' }> => {
    asked.push(what);
    onDisk[what] = readJournal(journal.path).lines.map(({ entry }) => entry);
    return { code: 'done' };
  };
  const log = quiet();
  const onDecision = vi.fn();
  let drainMayEnd = true;
  const coordinator = new Coordinator({
    policy,
    journal,
    clock,
    log,
    onDecision,
    rack: () => rack.snapshot(),
    edges: {
      cluster: {
        observe: () => Promise.reject(new Error('not asked')),
        cordon: (node) => done(`cordon ${node}`),
        uncordon: (node) => done(`uncordon ${node}`),
        drain: async (nodes, { signal }) => {
          asked.push(`drain ${nodes.join(' ')}`);
          if (!drainMayEnd) await new Promise((resolve) => signal.addEventListener('abort', resolve));
          return { evicted: 0, overridden: [], left: [], errors: [] };
        },
        close: () => Promise.resolve(),
      },
      switches: {
        sw1: {
          id: 'sw1',
          read: () => Promise.reject(new Error('not asked')),
          setPorts: async (ports, enabled) => {
            const { code } = await done(`${enabled ? 'power' : 'cut'} ${ports.join(' ')}`);
            for (const { id, port } of Object.values(policy.hosts))
              if (port !== undefined && ports.includes(port)) Object.assign(rack.host(id), { enabled });
            return ports.map((port) => ({ port, code }));
          },
          close: () => Promise.resolve(),
        },
      },
      hosts: Object.fromEntries(
        Object.keys(policy.hosts).map((id) => [
          id,
          {
            id,
            halt: () => done(`halt ${id}`),
            wake: () => done(`wake ${id}`),
            reachable: () => Promise.resolve(true),
          },
        ]),
      ),
    },
  });
  const pass = async (seconds = 1): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      rack.nowMs += 1000;
      clock.wakeAll();
      await settle();
    }
  };
  const hangDrains = (): void => {
    drainMayEnd = false;
  };
  return { coordinator, journal, rack, clock, asked, onDisk, log, onDecision, pass, hangDrains };
}

const emptyBattery = (rack: RackSketch): void => {
  rack.setMains('absent');
  rack.bank = { ...rack.bank, usableWh: 90, usableLowWh: 90 };
};

const phaseOf = (onDecision: ReturnType<typeof vi.fn>): string => onDecision.mock.lastCall?.[1].phase;

describe('the coordinator', () => {
  it('does nothing before it is started', async () => {
    const { onDecision, asked } = build();
    await settle();
    expect(onDecision).not.toHaveBeenCalled();
    expect(asked).toEqual([]);
  });

  it('decides with every tick', async () => {
    const { coordinator, onDecision, pass } = build();
    coordinator.start();
    await settle();
    const before = onDecision.mock.calls.length;
    expect(before).toBe(1);
    await pass(3);
    expect(onDecision.mock.calls.length).toBe(4);
    await coordinator.stop();
  });

  it('decides once, and soon, however often it is nudged', async () => {
    const { coordinator, onDecision } = build();
    coordinator.start();
    await settle();
    for (let index = 0; index < 50; index += 1) coordinator.nudge();
    expect(onDecision).toHaveBeenCalledTimes(1);
    await settle();
    expect(onDecision).toHaveBeenCalledTimes(2);
    coordinator.nudge();
    await settle();
    expect(onDecision).toHaveBeenCalledTimes(3);
    await coordinator.stop();
  });

  it('has its intent on the disk before it acts', async () => {
    const { coordinator, rack, onDisk, pass, asked } = build();
    coordinator.start();
    emptyBattery(rack);
    await pass(3);
    expect(asked).toContain('cordon b1');
    expect(onDisk['cordon b1']).toContainEqual(
      expect.objectContaining({ kind: 'intent', effect: expect.objectContaining({ key: 'cordon:b1' }) }),
    );
    expect(onDisk['cordon b1']).toContainEqual(
      expect.objectContaining({ kind: 'host', host: 'b1', change: expect.objectContaining({ cordonedByUs: true }) }),
    );
    for (const id of Object.keys(rack.hosts)) rack.asleep(id);
    await pass(10);
    const cut = asked.find((what) => what.startsWith('cut')) ?? '';
    expect(onDisk[cut]).toContainEqual(
      expect.objectContaining({ kind: 'intent', effect: expect.objectContaining({ kind: 'cut' }) }),
    );
    await coordinator.stop();
  });

  it('switches no power while the journal cannot be written, and still puts pods and hosts to bed', async () => {
    const { coordinator, journal, rack, asked, pass, onDecision } = build();
    coordinator.start();
    await settle();
    // The disk goes away under the open file.
    journal.close();
    emptyBattery(rack);
    await pass(5);
    expect(journal.failure).toBeDefined();
    for (const id of Object.keys(rack.hosts)) rack.asleep(id);
    await pass(30);
    const kinds = new Set(asked.map((what) => what.split(' ')[0]));
    expect([...kinds].sort()).toEqual(['cordon', 'drain', 'halt']);
    const hosts = onDecision.mock.lastCall?.[1].hosts;
    expect(hosts.b1).toMatchObject({ phase: 'halted', trouble: expect.stringMatching(/journal cannot be written/) });
    // The disk is back: what was held back is done.
    journal.open();
    await pass(30);
    expect(asked.filter((what) => what.startsWith('cut'))).not.toEqual([]);
    expect(phaseOf(onDecision)).toBe('dark');
    await coordinator.stop();
  });

  it('carries on from its journal: nothing twice, nothing forgotten', async () => {
    const first = build();
    first.coordinator.start();
    emptyBattery(first.rack);
    await first.pass(4);
    for (const id of Object.keys(first.rack.hosts)) first.rack.asleep(id);
    await first.pass(10);
    expect(phaseOf(first.onDecision)).toBe('dark');
    await first.coordinator.stop();

    const second = build(first.rack);
    second.coordinator.start();
    await second.pass(3);
    expect(phaseOf(second.onDecision)).toBe('dark');
    expect(second.asked).toEqual([]);
    expect(second.log.warn).toHaveBeenCalledWith(
      expect.objectContaining({ phase: 'dark' }),
      expect.stringMatching(/carrying on/),
    );
    first.rack.setMains('present');
    first.rack.bank = { ...first.rack.bank, usableWh: 900, usableLowWh: 880 };
    await second.pass(32);
    expect(second.asked).toContain('power 5 6');
    await second.coordinator.stop();
  });

  it('takes a killed life up again in the middle', async () => {
    const first = build();
    first.hangDrains();
    first.coordinator.start();
    emptyBattery(first.rack);
    await first.pass(3);
    expect(first.asked).toContain('drain b1 b2');
    // Killed here: nothing is stopped, nothing is closed.
    const second = build(first.rack);
    second.coordinator.start();
    await second.pass(3);
    expect(second.asked.filter((what) => what.startsWith('cordon'))).toEqual([]);
    expect(second.asked).toContain('drain b1 b2');
    expect(second.asked).toContain('halt b1');
    await second.coordinator.stop();
    await first.coordinator.stop();
  });

  it('reports what is damaged in its journal', async () => {
    const first = build();
    first.journal.open();
    first.journal.append([{ kind: 'note', text: 'a' }]);
    first.journal.close();
    const { appendFileSync } = await import('node:fs');
    appendFileSync(first.journal.path, 'garbage\n');
    const second = build();
    second.coordinator.start();
    expect(second.log.error).toHaveBeenCalledWith(expect.anything(), 'line 2 is not a journal line');
    await second.coordinator.stop();
  });

  it('answers commands, and the author is in the journal', async () => {
    const { coordinator, rack, pass } = build();
    coordinator.start();
    await settle();
    expect(await coordinator.command({ kind: 'begin' }, 'ann')).toMatchObject({ accepted: false });
    rack.setMains('absent');
    await pass();
    expect(await coordinator.command({ kind: 'begin' }, 'ann')).toMatchObject({ accepted: true });
    expect(coordinator.journal(100).map(({ entry }) => entry)).toContainEqual({
      kind: 'command',
      command: { kind: 'begin' },
      author: 'ann',
    });
    await coordinator.stop();
  });

  it('stops: no decision, no effect and no sleeper after it', async () => {
    const { coordinator, rack, clock, asked, onDecision, pass, hangDrains } = build();
    hangDrains();
    coordinator.start();
    emptyBattery(rack);
    await pass(3);
    await coordinator.stop();
    // The drains it waits for end with it, and lead to nothing more.
    expect(asked.filter((what) => what.startsWith('halt'))).toEqual([]);
    const asks = asked.length;
    const decisions = onDecision.mock.calls.length;
    coordinator.nudge();
    await pass(5);
    expect(clock.sleepers).toBe(0);
    expect(asked.length).toBe(asks);
    expect(onDecision.mock.calls.length).toBe(decisions);
    expect(await coordinator.command({ kind: 'begin' }, 'ann')).toEqual({
      accepted: false,
      because: 'the coordinator is stopping',
    });
  });

  it('keeps what came in while it stopped', async () => {
    const { coordinator, rack, journal, pass, hangDrains } = build();
    hangDrains();
    coordinator.start();
    emptyBattery(rack);
    await pass(3);
    await coordinator.stop();
    const outcomes = readJournal(journal.path).lines.filter(
      ({ entry }) => entry.kind === 'outcome' && entry.effectKind === 'drain',
    );
    expect(outcomes.length).toBeGreaterThan(0);
  });
});
