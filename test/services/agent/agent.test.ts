import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runAgent } from '../../../services/agent/agent.ts';
import { AgentMemory } from '../../../services/agent/memory.ts';
import { LinkError, type Order } from '../../../services/agent/order-link.ts';
import type { Clock } from '../../../services/runtime/clock.ts';
import type { CommandEnd } from '../../../services/runtime/run-command.ts';

const HALTED: CommandEnd = { end: 'status', status: 0, how: '', complaint: '' };
const halt = (id: string): Order => ({ id, kind: 'halt' });

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdover-agent-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

interface Life {
  /** What each request gets; the life ends when there is no more. */
  readonly answers: readonly (Order | undefined | Error)[];
  /** What each report gets. */
  readonly reports?: readonly (boolean | Error)[];
  readonly halts?: CommandEnd;
  readonly bootId?: string;
  readonly stateDir?: string;
  /** Called at each halt, before it is done. */
  readonly onHalt?: () => void;
}

/** One life of an agent against answers laid out before. */
async function live(life: Life) {
  const answers = [...life.answers];
  const reports = [...(life.reports ?? [])];
  const seen = { halts: 0, reported: [] as string[], said: [] as string[], slept: [] as number[] };
  const over = new AbortController();
  const clock: Clock = {
    wallMs: () => 0,
    monoMs: () => 0,
    sleep: (ms) => {
      seen.slept.push(ms);
      return Promise.resolve();
    },
  };
  const link = {
    next: async () => {
      const answer = answers.shift();
      if (answers.length === 0) over.abort();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    report: async (id: string, state: string) => {
      seen.reported.push(`${id} ${state}`);
      const answer = reports.shift() ?? true;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    close: () => undefined,
  };
  const memory = new AgentMemory(life.stateDir ?? dir, life.bootId ?? 'boot-1');
  const parts = {
    link,
    memory,
    clock,
    say: (line: string) => seen.said.push(line),
    halt: async () => {
      life.onHalt?.();
      seen.halts += 1;
      return life.halts ?? HALTED;
    },
  };
  await runAgent(parts, over.signal);
  return seen;
}

const silence = new LinkError('the service does not answer');
/** One more request, so that what came before it is over. */
const rest = [undefined, undefined];

describe('an agent', () => {
  it('halts its machine when it is told to and the order stands', async () => {
    const seen = await live({ answers: [undefined, halt('a'), ...rest] });
    expect(seen).toMatchObject({ halts: 1, reported: ['a taken'] });
  });

  it('never halts because the service is silent, wrong or contradictory', async () => {
    const strange = { id: 'x', kind: 'explode' };
    const answers = [silence, new LinkError('HTTP 500'), strange, new Error('?'), silence, ...rest];
    const seen = await live({ answers });
    expect(seen).toMatchObject({ halts: 0, reported: [] });
    expect(seen.slept.every((ms) => ms >= 1000 && ms <= 5000)).toBe(true);
  });

  it('does not obey an order that was withdrawn meanwhile', async () => {
    const seen = await live({ answers: [halt('a'), ...rest], reports: [false] });
    expect(seen).toMatchObject({ halts: 0, said: ['the order was withdrawn before it was taken'] });
  });

  it('does not obey an order that nobody confirms', async () => {
    const seen = await live({ answers: [halt('a'), ...rest], reports: [silence, silence, silence, true] });
    expect(seen.halts).toBe(0);
    expect(seen.reported).toEqual(['a taken', 'a taken', 'a taken']);
  });

  it('asks again when the confirmation is lost', async () => {
    const seen = await live({ answers: [halt('a'), ...rest], reports: [silence, true] });
    expect(seen).toMatchObject({ halts: 1, reported: ['a taken', 'a taken'] });
  });

  it('does not try again with a token that is not known', async () => {
    const seen = await live({ answers: [halt('a'), ...rest], reports: [new LinkError('no', true), true] });
    expect(seen).toMatchObject({ halts: 0, reported: ['a taken'] });
  });

  it('obeys the same order once, and the next one again', async () => {
    expect((await live({ answers: [halt('a'), halt('a'), halt('b'), ...rest] })).halts).toBe(2);
  });

  it('does not obey the same order again after its machine has booted', async () => {
    await live({ answers: [halt('a'), ...rest] });
    expect((await live({ answers: [halt('a'), ...rest], bootId: 'boot-2' })).halts).toBe(0);
  });

  it('has written down that it obeys before it does', async () => {
    let written = '';
    await live({
      answers: [halt('a'), ...rest],
      onHalt: () => {
        written = readFileSync(join(dir, 'order.json'), 'utf8');
      },
    });
    expect(JSON.parse(written)).toMatchObject({ id: 'a', state: 'obeyed' });
  });

  it('carries on with an order it was killed over, if that stands, in the same boot only', async () => {
    const left = (): void => {
      writeFileSync(join(dir, 'order.json'), JSON.stringify({ id: 'a', state: 'taking', bootId: 'boot-1' }));
    };
    left();
    expect((await live({ answers: rest })).halts).toBe(1);
    left();
    expect((await live({ answers: rest, reports: [false] })).halts).toBe(0);
    left();
    expect(await live({ answers: rest, bootId: 'boot-2' })).toMatchObject({ halts: 0, reported: [] });
  });

  it('says when it cannot halt its machine, and obeys when it is told again', async () => {
    const halts: CommandEnd = { end: 'status', status: 1, how: 'systemctl ended with status 1', complaint: 'denied' };
    const seen = await live({ answers: [halt('a'), halt('b'), ...rest], halts });
    expect(seen.reported).toEqual(['a taken', 'a failed', 'b taken', 'b failed']);
    expect(seen.said).toContain('this machine could not be halted: systemctl ended with status 1: denied');
  });

  it('takes a command that dies with the machine for obeyed', async () => {
    const halts: CommandEnd = { end: 'signal', how: 'systemctl was ended by SIGTERM', complaint: '' };
    expect((await live({ answers: [halt('a'), ...rest], halts })).reported).toEqual(['a taken']);
  });

  it('halts although it can write nothing down, and says so', async () => {
    writeFileSync(join(dir, 'file'), '');
    const seen = await live({ answers: [halt('a'), ...rest], stateDir: join(dir, 'file') });
    expect(seen.halts).toBe(1);
    expect(seen.said.join()).toMatch(/could not be written down/);
  });

  it('starts whatever its note looks like', async () => {
    for (const junk of ['', '{', 'null', '[]', '{"id":1}', '\u0000\u0000']) {
      writeFileSync(join(dir, 'order.json'), junk);
      expect((await live({ answers: rest })).halts).toBe(0);
    }
  });

  it('complains once while the service is away, and once when it is back', async () => {
    const seen = await live({ answers: [silence, silence, silence, ...rest] });
    expect(seen.said).toHaveLength(2);
    expect(seen.slept).toEqual([1000, 2000, 4000]);
  });
});
