import { afterEach, describe, expect, it } from 'vitest';
import { AgentOrders } from '../../../services/hosts/index.ts';
import { assemble } from '../../../services/http/face.ts';
import { systemClock } from '../../../services/runtime/clock.ts';
import { FakeService } from './fake-service.ts';

const TOKEN = 'a-token-of-thirty-two-characters';
const OPERATOR = 'an-operator-who-may-write-anything';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function face(options: { readonly readToken?: boolean; readonly without?: boolean } = {}) {
  const orders = new AgentOrders(new Map([['nuc1', TOKEN]]), systemClock);
  const service = new FakeService();
  const silent = () => undefined;
  const { app } = await assemble({
    config: { listen: '127.0.0.1:0', tokens: [], readToken: options.readToken ?? false },
    tokens: [{ name: 'ops', token: OPERATOR, write: true }],
    feed: service,
    desk: service,
    metrics: () => '',
    log: { info: silent, warn: silent, error: silent },
    ...(options.without === true ? {} : { agents: orders }),
  });
  closing.push(async () => {
    orders.stop();
    await app.close();
  });
  const headers = { authorization: `Bearer ${TOKEN}` };
  const get = (query = '', more: Record<string, string> = headers, host = 'nuc1') =>
    app.inject({ url: `/api/v1/agents/${host}${query}`, headers: more });
  const post = (payload: object, more: Record<string, string> = headers) =>
    app.inject({ method: 'POST', url: '/api/v1/agents/nuc1', headers: more, payload });
  return { app, orders, service, get, post };
}

describe('what an agent may do over HTTP', () => {
  it('fetches its order, takes it, and is told that it stands', async () => {
    const { orders, get, post } = await face();
    expect((await get()).json()).toEqual({ order: null });
    const outcome = orders.halt('nuc1', 60_000);
    const { order } = (await get('?wait=5')).json();
    expect(order).toMatchObject({ kind: 'halt' });
    const taken = await post({ id: order.id, state: 'taken' });
    expect([taken.statusCode, taken.json()]).toEqual([200, { stands: true }]);
    expect(await outcome).toEqual({ code: 'done' });
  });

  it('waits for an order', async () => {
    const { orders, get } = await face();
    const waiting = get('?wait=60');
    while (!(await orders.reachable('nuc1').catch(() => false))) await new Promise((resolve) => setImmediate(resolve));
    void orders.halt('nuc1', 60_000);
    expect((await waiting).json().order).toMatchObject({ kind: 'halt' });
  });

  it('is told when its order does not stand any more', async () => {
    const { post } = await face();
    const answer = await post({ id: 'long-gone', state: 'taken' });
    expect(answer.statusCode).toBe(409);
    expect(answer.json().detail).toMatch(/must not be obeyed/);
  });

  it.each([
    ['no token', {}],
    ['another token', { authorization: 'Bearer something-else' }],
    ['the token of an operator', { authorization: `Bearer ${OPERATOR}` }],
    ['a header that is none', { authorization: 'Basic xyz' }],
  ])('is nothing for others: %s', async (_, headers: Record<string, string>) => {
    const { orders, get, post } = await face();
    void orders.halt('nuc1', 60_000);
    for (const answer of [
      await get('', headers),
      await get('?wait=nonsense', headers),
      await post({ x: 1 }, headers),
    ]) {
      expect(answer.statusCode).toBe(401);
      expect(answer.body).not.toContain('halt"');
    }
  });

  it('is the same for hosts that nobody knows, and where no host has an agent', async () => {
    const { get } = await face();
    for (const host of ['nuc2', '__proto__', '%00', 'x'.repeat(70)]) {
      const answer = await get('', undefined, host);
      expect([400, 401, 404]).toContain(answer.statusCode);
    }
    const { get: none } = await face({ without: true });
    expect((await none()).statusCode).toBe(401);
  });

  it('opens no other door: reading and commanding need other tokens', async () => {
    const { app, get } = await face({ readToken: true });
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await get()).statusCode).toBe(200);
    expect((await app.inject({ url: '/api/v1/journal', headers })).statusCode).toBe(401);
    const command = { method: 'POST', url: '/api/v1/commands', headers, payload: { kind: 'begin' } } as const;
    expect((await app.inject(command)).statusCode).toBe(401);
  });

  it('is refused what is no report and no waiting time', async () => {
    const { get, post } = await face();
    expect((await get('?wait=3600')).statusCode).toBe(400);
    for (const body of [
      {},
      { id: 'a', state: 'done' },
      { id: '', state: 'taken' },
      { id: 'a', state: 'failed', detail: 7 },
    ])
      expect((await post(body)).statusCode).toBe(400);
  });
});
