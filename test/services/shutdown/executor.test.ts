import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Edges, Executor } from '../../../services/shutdown/executor.ts';
import type { DrainOptions, DrainReport, OutcomeCode } from '../../../services/shutdown/promises.ts';
import type { Effect, Input } from '../../../services/shutdown/state.ts';
import { hostsOf } from '../../../services/shutdown/turn.ts';

type Result = Extract<Input, { kind: 'result' }>;

const EMPTY: DrainReport = { evicted: 0, overridden: [], left: [], errors: [] };
const before = { port: '1', enabled: true };
const cordon: Effect = { kind: 'cordon', key: 'cordon:a', host: 'a', node: 'na', runId: 'r' };
const uncordon: Effect = { kind: 'uncordon', key: 'uncordon:a', host: 'a', node: 'na', runId: 'r' };
const halt: Effect = { kind: 'halt', key: 'halt:a', host: 'a' };
const wake: Effect = { kind: 'wake', key: 'wake:a', host: 'a' };
const cut: Effect = {
  kind: 'cut',
  key: 'cut:sw1:1+2',
  switchId: 'sw1',
  targets: [
    { host: 'a', port: '1', before },
    { host: 'b', port: '2', before },
  ],
};
const power: Effect = {
  kind: 'power',
  key: 'power:sw1:1+2',
  switchId: 'sw1',
  targets: [
    { host: 'a', port: '1' },
    { host: 'b', port: '2', asSet: 'mode auto' },
  ],
};
const drain: Effect = {
  kind: 'drain',
  key: 'drain:batch',
  stage: 'batch',
  runId: 'r',
  targets: [
    { host: 'a', node: 'na' },
    { host: 'b', node: 'nb' },
  ],
  deadlineMs: 1234,
  pdbGraceMs: 99,
  partial: true,
};
const stopDrain: Effect = { kind: 'stop-drain', key: 'stop-drain:batch', drainKey: 'drain:batch' };
const ALL = [cordon, uncordon, halt, wake, cut, power, drain, stopDrain];

interface Asked {
  readonly what: string;
  readonly with: readonly unknown[];
}

/** Edges that write down what they are asked and answer as told. */
function bench(answers: Partial<Record<Effect['kind'], () => unknown>> = {}) {
  const asked: Asked[] = [];
  const posted: Result[] = [];
  const answer = async (kind: Effect['kind'], ...args: unknown[]): Promise<never> => {
    asked.push({ what: kind, with: args });
    return (await (answers[kind]?.() ?? { code: 'done' })) as never;
  };
  const drains: DrainOptions[] = [];
  const edges: Edges = {
    cluster: {
      observe: () => Promise.reject(new Error('not asked')),
      cordon: (node, runId) => answer('cordon', node, runId),
      uncordon: (node, runId) => answer('uncordon', node, runId),
      drain: (nodes, options) => {
        drains.push(options);
        const report = answers.drain ?? (() => EMPTY);
        asked.push({ what: 'drain', with: [nodes] });
        return Promise.resolve(report() as DrainReport);
      },
      close: () => Promise.resolve(),
    },
    switches: {
      sw1: {
        id: 'sw1',
        read: () => Promise.reject(new Error('not asked')),
        setPorts: async (ports, enabled, _signal, asSet) => {
          const kind = enabled ? 'power' : 'cut';
          if (answers[kind] !== undefined) return answer(kind, ports);
          asked.push({ what: kind, with: asSet?.size ? [ports, Object.fromEntries(asSet)] : [ports] });
          return ports.map((port) => ({ port, code: 'done' as const }));
        },
        close: () => Promise.resolve(),
      },
    },
    hosts: {
      a: {
        id: 'a',
        halt: () => answer('halt'),
        wake: () => answer('wake'),
        reachable: () => Promise.resolve(true),
      },
    },
  };
  const executor = new Executor(edges, (input) => {
    if (input.kind === 'result') posted.push(input);
  });
  /** Runs effects to their ends. */
  const run = async (...effects: Effect[]): Promise<Result[]> => {
    executor.start(effects);
    await executor.stop();
    return posted;
  };
  return { asked, posted, drains, executor, run };
}

const finals = (posted: readonly Result[]): Result[] => posted.filter(({ final }) => final);

describe('one effect', () => {
  it.each([
    [cordon, { what: 'cordon', with: ['na', 'r'] }],
    [uncordon, { what: 'uncordon', with: ['na', 'r'] }],
    [halt, { what: 'halt', with: [] }],
    [wake, { what: 'wake', with: [] }],
    [cut, { what: 'cut', with: [['1', '2']] }],
    [power, { what: 'power', with: [['1', '2'], { 2: 'mode auto' }] }],
    [drain, { what: 'drain', with: [['na', 'nb']] }],
  ])('asks its edge once: $kind', async (effect, expected) => {
    const { run, asked } = bench();
    const posted = await run(effect);
    expect(asked).toEqual([expected]);
    expect(finals(posted)).toEqual([
      {
        kind: 'result',
        key: effect.key,
        effectKind: effect.kind,
        results: hostsOf(effect).map((host) => expect.objectContaining({ host, code: 'done' })),
        final: true,
      },
    ]);
  });

  it.each(ALL)('ends in exactly one final result when its edge throws: $kind', async (effect) => {
    const thrower = (): never => {
      throw new Error('boom');
    };
    const answers = Object.fromEntries(ALL.map(({ kind }) => [kind, thrower]));
    const { run } = bench(answers);
    const posted = await run(effect);
    expect(finals(posted)).toHaveLength(1);
    expect(posted[0]?.results).toEqual(hostsOf(effect).map((host) => ({ host, code: 'refused', detail: 'boom' })));
  });

  it.each(ALL)('is refused for every target where nothing is configured: $kind', async (effect) => {
    const posted: Input[] = [];
    const executor = new Executor({ switches: {}, hosts: {} }, (input) => posted.push(input));
    executor.start([effect]);
    await executor.stop();
    expect(posted).toHaveLength(1);
    expect(posted[0]).toMatchObject({
      key: effect.key,
      final: true,
      results: hostsOf(effect).map((host) => ({
        host,
        code: 'refused',
        detail: expect.stringMatching(/not configured/),
      })),
    });
  });

  it('passes on what the edge said', async () => {
    const { run } = bench({ halt: () => ({ code: 'unreachable', detail: 'no route' }) });
    expect((await run(halt))[0]?.results).toEqual([{ host: 'a', code: 'unreachable', detail: 'no route' }]);
  });

  it('can be refused without anything being asked', () => {
    const { executor, posted, asked } = bench();
    executor.refuse(cut, 'the journal cannot be written');
    expect(asked).toEqual([]);
    expect(posted).toEqual([
      {
        kind: 'result',
        key: cut.key,
        effectKind: 'cut',
        final: true,
        results: ['a', 'b'].map((host) => ({ host, code: 'refused', detail: 'the journal cannot be written' })),
      },
    ]);
  });
});

describe('ports', () => {
  it('each has its own outcome, and one nobody spoke of was not switched', async () => {
    const { run } = bench({ cut: () => [{ port: '2', code: 'disobeyed', detail: 'still on' }] });
    expect((await run(cut))[0]?.results).toEqual([
      { host: 'a', code: 'timeout', detail: 'port 1' },
      { host: 'b', code: 'disobeyed', detail: 'still on' },
    ]);
  });
});

describe('drains', () => {
  it('are given their terms', async () => {
    const { run, drains } = bench();
    await run(drain);
    expect(drains[0]).toMatchObject({ runId: 'r', deadlineMs: 1234, pdbGraceMs: 99, partial: true });
  });

  it('tell of every node when it is empty, once, and only of their own', async () => {
    const { run, posted, drains } = bench({
      drain: () => {
        for (const node of ['nb', 'nb', 'nx']) drains[0]?.onDrained(node);
        return EMPTY;
      },
    });
    await run(drain);
    expect(posted.filter(({ final }) => !final).map(({ results }) => results)).toEqual([[{ host: 'b', code: 'done' }]]);
  });

  it('say of hosts that are not empty what was left and what went wrong', async () => {
    const { run, drains } = bench({
      drain: () => {
        drains[0]?.onDrained('na');
        return { ...EMPTY, left: ['d/p1', 'd/p2'], errors: ['no answer'] };
      },
    });
    expect(finals(await run(drain))[0]?.results).toEqual([
      { host: 'a', code: 'done' },
      { host: 'b', code: 'timeout', detail: 'left running: d/p1, d/p2; no answer' },
    ]);
  });

  it('note what a person should know, within reason', async () => {
    const overridden = Array.from({ length: 30 }, (_, index) => `d/p${index}`);
    const { run, posted } = bench({ drain: () => ({ ...EMPTY, overridden, notes: ['lost'] }) });
    await run(drain);
    const notes = posted.flatMap((each) => each.notes ?? []);
    expect(notes).toHaveLength(20);
    expect(notes[0]).toBe('d/p0 was deleted although its disruption budget said no');
    expect(posted.filter(({ notes: told }) => told !== undefined).every(({ final }) => !final)).toBe(true);
  });

  it('end when they are told to', async () => {
    const { executor, posted, drains } = stoppable();
    executor.start([drain]);
    await new Promise(setImmediate);
    expect(posted).toEqual([]);
    executor.start([stopDrain]);
    await executor.stop();
    expect(posted.map(({ key }) => key).sort()).toEqual(['drain:batch', 'stop-drain:batch']);
    expect(posted.find(({ key }) => key === 'drain:batch')?.results.map(({ code }) => code)).toEqual([
      'timeout',
      'timeout',
    ]);
    expect(drains[0]?.signal.aborted).toBe(true);
  });

  it('have ended before the order to stop has', async () => {
    const { executor, posted } = stoppable();
    executor.start([drain]);
    await new Promise(setImmediate);
    executor.start([stopDrain]);
    await executor.stop();
    expect(posted.map(({ key }) => key)).toEqual(['drain:batch', 'stop-drain:batch']);
  });

  /** A drain that goes on until it is stopped. */
  function stoppable() {
    const made = bench({
      drain: () =>
        new Promise((resolve) =>
          made.drains[0]?.signal.addEventListener('abort', () => resolve({ ...EMPTY, errors: ['stopped'] })),
        ),
    });
    return made;
  }

  it('are stopped with the executor, which waits for them', async () => {
    let stopped = false;
    const { executor, posted, drains } = bench({
      drain: () =>
        new Promise((resolve) =>
          drains[0]?.signal.addEventListener('abort', () =>
            setImmediate(() => {
              stopped = true;
              resolve(EMPTY);
            }),
          ),
        ),
    });
    executor.start([drain]);
    await new Promise(setImmediate);
    await executor.stop();
    expect(stopped).toBe(true);
    expect(finals(posted)).toHaveLength(1);
  });

  it('that do not run are stopped at once', async () => {
    const { run } = bench();
    expect(await run(stopDrain)).toMatchObject([{ key: 'stop-drain:batch', results: [], final: true }]);
  });
});

describe('many effects', () => {
  it('run side by side: a slow one does not delay another', async () => {
    const slow = Promise.withResolvers<{ code: OutcomeCode }>();
    const { executor, posted } = bench({ cordon: () => slow.promise });
    executor.start([cordon, halt]);
    while (posted.length === 0) await new Promise(setImmediate);
    expect(posted.map(({ key }) => key)).toEqual(['halt:a']);
    slow.resolve({ code: 'done' });
    await executor.stop();
    expect(posted.map(({ key }) => key)).toEqual(['halt:a', 'cordon:a']);
  });

  it('end in one final result each, whatever their edges do', async () => {
    const outcome = fc.constantFrom('done', 'timeout', 'throws', 'rejects', 'nonsense');
    await fc.assert(
      fc.asyncProperty(fc.array(outcome, { minLength: ALL.length, maxLength: ALL.length }), async (outcomes) => {
        const answers = Object.fromEntries(
          ALL.map(({ kind }, index) => [kind, () => behave(kind, outcomes[index] ?? 'done')]),
        );
        const posted = await bench(answers).run(...ALL);
        expect(
          finals(posted)
            .map(({ key }) => key)
            .sort(),
        ).toEqual(ALL.map(({ key }) => key).sort());
      }),
    );
  });
});

function behave(kind: Effect['kind'], how: string): unknown {
  if (how === 'throws') throw new Error('thrown');
  if (how === 'rejects') return Promise.reject('not even an error');
  if (how === 'nonsense') return undefined;
  if (kind === 'drain') return EMPTY;
  return kind === 'cut' || kind === 'power' ? [{ port: '1', code: how }] : { code: how };
}
