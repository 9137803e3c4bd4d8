import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DrillDesk } from '../../../services/http/drill-desk.ts';
import { assemble } from '../../../services/http/face.ts';
import type { App } from '../../../services/http/routes.ts';
import { type DrillAnswer, drillAnswer } from '../../../services/http/schemas/drill.ts';
import { UserError } from '../../../services/runtime/errors.ts';
import { FakeService, faceOptions, type Logged } from './fake-service.ts';
import { type Scene, snapshotOf } from './rack-fixture.ts';

const WRITER = 'w-5f2c9d1e';
const TOKENS = [
  { name: 'ops', token: WRITER, write: true },
  { name: 'wall', token: 'r-0a77b3c4', write: false },
];

const ANSWER: DrillAnswer = {
  verdict: 'attention',
  findings: [{ severity: 'attention', text: 'pi3 did not halt', tryThis: 'a longer haltTimeout' }],
  basis: { wallMs: 1, outageS: 2700, socRatio: 0.94, loadW: 320, faults: [] },
  timeline: [{ atS: 3, text: 'on-battery: mains is away', socRatio: 0.94 }],
  points: [{ atS: 0, socRatio: 0.94, loadW: 320, up: 23 }],
  reserveRatio: 0.1,
  backAfterS: 2900,
  endS: 2900,
  tookMs: 40,
};

const open: App[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

async function face(drill: DrillDesk | undefined, scene: Scene = 'mains', drillDeadlineMs = 60_000) {
  const service = new FakeService(snapshotOf(scene));
  const logged: Logged[] = [];
  const { app } = await assemble(
    faceOptions(service, { tokens: TOKENS, drillDeadlineMs, ...(drill === undefined ? {} : { drill }) }, logged),
  );
  open.push(app);
  const ask = (payload: unknown = { outageS: 2700 }, token: string | undefined = WRITER) =>
    app.inject({
      method: 'POST',
      url: '/api/v1/drill',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      payload: JSON.stringify(payload),
    });
  return { service, logged, ask };
}

/** A drill that ends when it is told, or with its signal. */
function slow() {
  const begun: AbortSignal[] = [];
  let end = (): void => {};
  const run: DrillDesk['run'] = (_ask, _live, signal) =>
    new Promise((resolve, reject) => {
      begun.push(signal);
      end = () => resolve(ANSWER);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  return { begun, run, end: () => end() };
}

const fine: DrillDesk = { run: async () => ANSWER };

describe('a drill over HTTP', () => {
  it('is played from what the service sees now', async () => {
    const asked: Parameters<DrillDesk['run']>[] = [];
    const { ask, logged } = await face({
      run: async (...all) => {
        asked.push(all);
        return ANSWER;
      },
    });
    const answer = await ask({ outageS: 2700, faults: ['hang:pi3'] });
    expect(answer.statusCode).toBe(200);
    expect(drillAnswer.parse(answer.json())).toEqual(ANSWER);
    expect(asked[0]?.[0]).toEqual({ outageS: 2700, faults: ['hang:pi3'] });
    expect(asked[0]?.[1].rack.bank.socRatio).toBe(0.943);
    expect(logged.at(-1)?.fields).toMatchObject({ author: 'http:ops', outageS: 2700, verdict: 'attention' });
  });

  it('needs a token that may write, before its body is read', async () => {
    const { ask } = await face(fine);
    expect((await ask('nonsense', 'nobody')).statusCode).toBe(401);
    expect((await ask('nonsense', 'r-0a77b3c4')).statusCode).toBe(403);
  });

  it.each([{}, { outageS: 59 }, { outageS: 172_801 }, { outageS: 90.5 }, { outageS: '90' }, { outageS: 90, x: 1 }])(
    'refuses %j',
    async (body) => {
      const { ask } = await face(fine);
      expect((await ask(body)).statusCode).toBe(400);
    },
  );

  it.each([
    ['on-battery', 'Not in phase on-battery: this is no drill.'],
    ['restoring', 'Not in phase restoring: this is no drill.'],
    ['stale-pack', 'The bank is not heard: nobody knows from which charge to begin.'],
  ] as const)('is refused %s', async (scene, detail) => {
    const { ask } = await face(fine, scene);
    const answer = await ask();
    expect([answer.statusCode, answer.json().detail]).toEqual([409, detail]);
  });

  it('is refused while a stage is rehearsed for real', async () => {
    const { ask, service } = await face(fine);
    const now = snapshotOf('mains', 1);
    service.tick({ ...now, coordinator: { ...now.coordinator, rehearsal: { stage: 'batch', depth: 'drain' } } });
    expect((await ask()).json().detail).toBe('Stage batch is being rehearsed.');
  });

  it('is played one at a time', async () => {
    const { run, begun, end } = slow();
    const { ask } = await face({ run });
    const first = ask();
    await vi.waitFor(() => expect(begun).toHaveLength(1), { timeout: 60_000 });
    const second = await ask();
    expect([second.statusCode, second.json().detail]).toEqual([
      409,
      'A drill is being played already; its answer comes soon.',
    ]);
    end();
    expect((await first).statusCode).toBe(200);
    const third = ask();
    await vi.waitFor(() => expect(begun).toHaveLength(2), { timeout: 60_000 });
    end();
    expect((await third).statusCode).toBe(200);
  });

  it('ends when mains goes away in earnest', async () => {
    const { run, begun } = slow();
    const { ask, service } = await face({ run });
    const answer = ask();
    await vi.waitFor(() => expect(begun).toHaveLength(1), { timeout: 60_000 });
    service.tick(snapshotOf('mains', 1));
    expect(begun[0]?.aborted).toBe(false);
    service.tick(snapshotOf('on-battery', 2));
    expect((await answer).json().detail).toBe('The drill was ended: the phase is on-battery now.');
    expect(begun[0]?.aborted).toBe(true);
  });

  it('ends when it takes too long, and says what to try', async () => {
    const { run, begun } = slow();
    const { ask } = await face({ run }, 'mains', 20);
    const answer = await ask();
    expect(answer.statusCode).toBe(504);
    expect(answer.json().detail).toContain('try a shorter outage');
    expect(begun[0]?.aborted).toBe(true);
  });

  it('says what is wrong with a fault, and nothing of a failure of ours', async () => {
    const wrong = await face({
      run: async () => {
        throw new UserError('fault hang:x: x is not in the configuration', 'one of pi1');
      },
    });
    const answer = await wrong.ask();
    expect([answer.statusCode, answer.json().detail]).toEqual([
      400,
      'fault hang:x: x is not in the configuration; one of pi1',
    ]);
    const broken = await face({
      run: async () => {
        throw new Error('secret');
      },
    });
    const failed = await broken.ask();
    expect(failed.statusCode).toBe(500);
    expect(failed.body).not.toContain('secret');
    // A drill that failed does not block the next.
    expect((await broken.ask()).statusCode).toBe(500);
  });

  it('cannot be had where nobody plays it', async () => {
    const { ask } = await face(undefined);
    expect((await ask()).statusCode).toBe(404);
  });
});
