import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../services/cluster/api-error.ts';
import { readRefusal, requestRemoval } from '../../../services/cluster/evict.ts';
import { parsePod } from '../../../services/cluster/objects.ts';
import { podObject, scriptApi, statusObject } from './scripted-api.ts';

const pod = parsePod(podObject('a'));
const idle = new AbortController().signal;

/** Asks the scripted server for one eviction and gives back what the client made of the answer. */
async function answerTo(reply: Parameters<typeof scriptApi>[0]) {
  const api = await scriptApi(reply);
  try {
    return await requestRemoval(api.rest, { pod, how: 'evict' }, idle);
  } finally {
    await api.close();
  }
}

describe('answers to an eviction', () => {
  it('sends the uid and, when shortened, the grace period', async () => {
    const api = await scriptApi(() => ({ status: 201, json: { kind: 'Status', status: 'Success' } }));
    expect(await requestRemoval(api.rest, { pod, how: 'evict', graceS: 7.9 }, idle)).toEqual({ kind: 'accepted' });
    expect(await requestRemoval(api.rest, { pod, how: 'delete', graceS: 0 }, idle)).toEqual({ kind: 'accepted' });
    await api.close();
    const [evict, remove] = api.requests;
    expect(evict).toMatchObject({ method: 'POST', path: '/api/v1/namespaces/web/pods/a/eviction' });
    expect(JSON.parse(evict?.body ?? '')).toMatchObject({
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      deleteOptions: { preconditions: { uid: 'uid-of-a' }, gracePeriodSeconds: 7 },
    });
    // A grace period of 0 takes the object away under a running container.
    expect(JSON.parse(remove?.body ?? '')).toMatchObject({ kind: 'DeleteOptions', gracePeriodSeconds: 1 });
  });

  it('404: gone', async () => {
    expect(await answerTo(() => statusObject(404, 'NotFound', 'pods "a" not found'))).toEqual({ kind: 'gone' });
  });

  it('409 with a uid precondition: another pod took the name', async () => {
    const message =
      'Operation cannot be fulfilled on pods "a": Precondition failed: UID in precondition: x, UID in object meta: y';
    expect(await answerTo(() => statusObject(409, 'Conflict', message))).toEqual({ kind: 'gone' });
  });

  it('409 about a pod whose name has a uid in it: again', () => {
    const message =
      'POST /api/v1/namespaces/data/pods/druid-in-precondition-0/eviction: 409 the object has been modified';
    expect(readRefusal(new ApiError('conflict', message, { status: 409 }), pod)).toEqual({ kind: 'conflict' });
  });

  it('409 otherwise: again', async () => {
    expect(await answerTo(() => statusObject(409, 'Conflict', 'the object has been modified'))).toEqual({
      kind: 'conflict',
    });
  });

  it('429 of a budget: names it', async () => {
    const details = {
      causes: [
        { reason: 'DisruptionBudget', message: 'The disruption budget shop needs 3 healthy pods and has 3 currently' },
      ],
    };
    expect(await answerTo(() => statusObject(429, 'TooManyRequests', 'Cannot evict pod', details))).toEqual({
      kind: 'budget',
      budget: 'web/shop',
    });
  });

  it('429 of a budget whose figures are old: says how long to wait', async () => {
    const details = {
      causes: [
        { reason: 'DisruptionBudget', message: 'The disruption budget shop is still being processed by the server.' },
      ],
      retryAfterSeconds: 10,
    };
    const reply = {
      ...statusObject(429, 'TooManyRequests', 'Cannot evict pod', details),
      headers: { 'retry-after': '10' },
    };
    expect(await answerTo(() => reply)).toEqual({ kind: 'budget', budget: 'web/shop', settlingMs: 10_000 });
  });

  it('429 without a Status: the server is busy', async () => {
    const reply = { status: 429, text: 'Too many requests, please try again later.', headers: { 'retry-after': '1' } };
    expect(await answerTo(() => reply)).toEqual({ kind: 'busy', retryAfterMs: 1_000 });
  });

  it('500 of two budgets: never evictable', async () => {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    expect(await answerTo(() => statusObject(500, 'InternalError', message))).toEqual({ kind: 'never-evictable' });
  });

  it('500 of a webhook: names it', async () => {
    const message = 'Internal error occurred: failed calling webhook "policy.example.org": connection refused';
    expect(await answerTo(() => statusObject(500, 'InternalError', message))).toMatchObject({
      kind: 'webhook',
      name: 'policy.example.org',
    });
  });

  it('403 of an ending namespace is not about our rights', async () => {
    const details = { causes: [{ reason: 'NamespaceTerminating', message: 'namespace web is being terminated' }] };
    expect(await answerTo(() => statusObject(403, 'Forbidden', 'forbidden', details))).toEqual({
      kind: 'namespace-ending',
    });
  });

  it.each([401, 403])('%i: not allowed', async (code) => {
    expect(await answerTo(() => statusObject(code, 'Forbidden', 'no'))).toMatchObject({ kind: 'not-allowed' });
  });

  it.each([502, 503, 504])('%i: the server is away', async (code) => {
    expect(await answerTo(() => ({ status: code, text: '<html>proxy</html>' }))).toMatchObject({ kind: 'away' });
  });

  it('a broken connection: the server is away', async () => {
    expect(
      await answerTo((_, response) => {
        response.destroy();
        return 'own';
      }),
    ).toMatchObject({ kind: 'away' });
  });

  it('garbage is unclear, not a success', async () => {
    expect(await answerTo(() => ({ status: 201, text: '{"kind":' }))).toMatchObject({ kind: 'unclear' });
    expect(await answerTo(() => ({ status: 422, text: '\u0000\u0001' }))).toMatchObject({ kind: 'unclear' });
  });

  it('a call that was given up is no answer', () => {
    expect(readRefusal(new ApiError('aborted', 'given up'), pod)).toMatchObject({ kind: 'away' });
  });
});
