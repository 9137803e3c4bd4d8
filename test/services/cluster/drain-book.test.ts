import { describe, expect, it } from 'vitest';
import { DrainBook, type DrainTerms } from '../../../services/cluster/drain-book.ts';
import type { EvictAnswer, Removal } from '../../../services/cluster/evict.ts';
import { type Pod, parseNode, parsePod } from '../../../services/cluster/objects.ts';
import { nodeObject, podObject } from './scripted-api.ts';

const pod = (name: string, changed: Partial<Pod> = {}): Pod => ({ ...parsePod(podObject(name)), ...changed });
const pods = (count: number, changed: Partial<Pod> = {}): readonly Pod[] =>
  Array.from({ length: count }, (_, index) => pod(`p${String(index).padStart(3, '0')}`, changed));

const terms = (changed: Partial<DrainTerms> = {}): DrainTerms => ({
  startMs: 0,
  deadlineMs: 120_000,
  pdbGraceMs: 30_000,
  partial: false,
  ...changed,
});

const SAYS_NO: EvictAnswer = { kind: 'budget', budget: 'web/shop' };
const AWAY: EvictAnswer = { kind: 'away', message: 'connection refused' };

/** A drain of everything: its only node is cordoned. */
function wholeCluster(given: readonly Pod[], changed: Partial<DrainTerms> = {}): DrainBook {
  const book = new DrainBook(['n1'], given, terms(changed));
  book.nodes([parseNode(nodeObject('n1', { unschedulable: true }))]);
  return book;
}

/** A drain of one node while another takes pods. */
function partial(given: readonly Pod[], changed: Partial<DrainTerms> = {}): DrainBook {
  const book = new DrainBook(['n1'], given, terms({ partial: true, ...changed }));
  book.nodes([parseNode(nodeObject('n1', { unschedulable: true })), parseNode(nodeObject('n2'))]);
  return book;
}

const names = (removals: readonly Removal[]): readonly string[] =>
  removals.map(({ pod: { name }, how }) => `${how} ${name}`);

describe('a drain', () => {
  it('asks for all pods at once, with at most 32 requests in flight', () => {
    const book = wholeCluster(pods(40));
    const first = book.due(0);
    expect(first).toHaveLength(32);
    expect(book.due(0)).toHaveLength(0);
    expect(book.nextDueMs(0)).toBe(Number.POSITIVE_INFINITY);
    for (const { pod: asked } of first) book.answered(asked.uid, { kind: 'accepted' }, 10);
    expect(book.due(10)).toHaveLength(8);
  });

  it('asks for each pod once and is finished when the last one is gone', () => {
    const book = wholeCluster(pods(2));
    for (const { pod: asked } of book.due(0)) book.answered(asked.uid, { kind: 'accepted' }, 1);
    expect(book.due(30_000)).toHaveLength(0);
    book.gone('uid-of-p000');
    expect(book.newlyDrained(0)).toEqual([]);
    expect(book.finished(0)).toBe(false);
    book.gone('uid-of-p001');
    expect(book.finished(0)).toBe(true);
    expect(book.newlyDrained(0)).toEqual(['n1']);
    expect(book.newlyDrained(0)).toEqual([]);
    expect(book.report()).toMatchObject({ evicted: 2, left: [], errors: [] });
  });

  it('takes the news of a pod that is gone before the answer to its eviction', () => {
    const book = wholeCluster(pods(1));
    const [asked] = book.due(0);
    book.gone('uid-of-p000');
    expect(book.finished(0)).toBe(false);
    book.answered(asked?.pod.uid ?? '', { kind: 'accepted' }, 1);
    expect(book.finished(0)).toBe(true);
    expect(book.report().evicted).toBe(1);
  });

  it('reports a node without evictable pods at once', () => {
    const daemon = pod('d', { controller: { kind: 'DaemonSet', apiVersion: 'apps/v1', name: 'd', uid: 'd' } });
    const book = wholeCluster([daemon]);
    expect(book.newlyDrained(0)).toEqual(['n1']);
    expect(book.finished(0)).toBe(true);
  });

  it('shortens a grace period to what is left, never below 5 s and never beyond its own', () => {
    const book = wholeCluster([pod('long', { graceS: 600 }), pod('short', { graceS: 10 })], { deadlineMs: 60_000 });
    expect(book.due(0)).toMatchObject([{ pod: { name: 'long' }, graceS: 60 }, { pod: { name: 'short' } }]);
    const late = wholeCluster([pod('long', { graceS: 600 }), pod('tiny', { graceS: 3 })], { deadlineMs: 60_000 });
    expect(late.due(58_000).map(({ graceS }) => graceS)).toEqual([5, 3]);
  });

  it('keeps the last wave until the first has stopped, or until it must begin to have its grace', () => {
    const dns = { kind: 'ReplicaSet', apiVersion: 'apps/v1', name: 'dns', uid: 'dns' };
    const given = [pod('dns', { priority: 2_000_000_000, controller: dns }), pod('app', { graceS: 110 })];
    const book = wholeCluster(given);
    expect(names(book.due(0))).toEqual(['evict app']);
    book.answered('uid-of-app', { kind: 'accepted' }, 1);
    expect(book.due(1)).toEqual([]);
    expect(book.nextDueMs(1)).toBe(90_000);
    book.gone('uid-of-app');
    expect(names(book.due(2))).toEqual(['evict dns']);

    const slow = wholeCluster(given);
    slow.due(0);
    slow.answered('uid-of-app', { kind: 'accepted' }, 1);
    expect(slow.due(89_999)).toEqual([]);
    expect(names(slow.due(90_000))).toEqual(['evict dns']);
  });

  it('finds out after a gap in the watch who went meanwhile', () => {
    const given = pods(3);
    const book = wholeCluster(given);
    for (const { pod: asked } of book.due(0)) book.answered(asked.uid, { kind: 'accepted' }, 1);
    book.relisted(given.slice(0, 1), 2);
    book.gone('uid-of-p000');
    expect(book.finished(0)).toBe(true);
  });

  it('does not chase an owner that puts pods on a cordoned node for ever', () => {
    const book = wholeCluster(pods(1));
    const asked: string[] = [];
    for (let round = 0; round < 10; round += 1) {
      book.seen(pod(`again-${round}`), round);
      for (const removal of book.due(round)) {
        asked.push(removal.pod.name);
        book.answered(removal.pod.uid, { kind: 'accepted' }, round);
        book.gone(removal.pod.uid);
      }
    }
    expect(asked.filter((name) => name.startsWith('again')).length).toBeLessThanOrEqual(2);
  });
});

describe('a disruption budget that says no', () => {
  it('is overruled after a short wait when nothing in the cluster is schedulable', () => {
    const book = wholeCluster(pods(3));
    for (const { pod: asked } of book.due(0)) book.answered(asked.uid, SAYS_NO, 0);
    expect(book.due(1_000)).toEqual([]);
    expect(names(book.due(2_000))).toEqual(['evict p000']);
    book.answered('uid-of-p000', SAYS_NO, 2_000);
    expect(names(book.due(5_000))).toEqual(['delete p000', 'delete p001', 'delete p002']);
  });

  it('is not waited for, nor overruled, on behalf of pods whose node is dead', () => {
    const given = [pod('lost'), pod('here', { node: 'n2' })];
    const book = new DrainBook(['n1', 'n2'], given, terms());
    const nodes = (ready: string) => [
      parseNode(nodeObject('n1', { unschedulable: true, ready })),
      parseNode(nodeObject('n2', { unschedulable: true })),
    ];
    book.nodes(nodes('True'));
    expect(book.due(0)).toHaveLength(2);
    book.nodes(nodes('Unknown'));
    for (const { uid } of given) book.answered(uid, SAYS_NO, 1);
    expect(names(book.due(2_001))).toEqual(['evict here']);
    book.answered('uid-of-here', { kind: 'accepted' }, 2_002);
    book.gone('uid-of-here');
    expect(book.finished(2_003)).toBe(true);
    expect(book.due(60_000)).toEqual([]);
    expect(book.report()).toMatchObject({ evicted: 1, overridden: [], left: ['web/lost'] });
  });

  it('is given its full grace while pods can move, one question at a time', () => {
    const book = partial(pods(3));
    for (const { pod: asked } of book.due(0)) book.answered(asked.uid, SAYS_NO, 0);
    let questions = 0;
    for (let now = 0; now < 30_000; now += 500) {
      for (const removal of book.due(now)) {
        questions += 1;
        expect(removal.how).toBe('evict');
        book.answered(removal.pod.uid, SAYS_NO, now);
      }
    }
    expect(questions).toBeLessThanOrEqual(15);
    expect(names(book.due(30_000))).toEqual(['delete p000', 'delete p001', 'delete p002']);
  });

  it('gets a new grace each time it lets a pod go', () => {
    const book = partial(pods(2));
    for (const { pod: asked } of book.due(0)) book.answered(asked.uid, SAYS_NO, 0);
    expect(names(book.due(29_000))).toEqual(['evict p000']);
    book.answered('uid-of-p000', { kind: 'accepted' }, 29_000);
    expect(names(book.due(29_000))).toEqual(['evict p001']);
    book.answered('uid-of-p001', SAYS_NO, 29_000);
    expect(names(book.due(40_000))).toEqual(['evict p001']);
    book.answered('uid-of-p001', SAYS_NO, 40_000);
    expect(names(book.due(59_000))).toEqual(['delete p001']);
  });

  it('is overruled early enough for its pods to stop before the deadline', () => {
    const book = partial(pods(1, { graceS: 20 }), { deadlineMs: 40_000 });
    const [asked] = book.due(0);
    book.answered(asked?.pod.uid ?? '', SAYS_NO, 0);
    const questions: string[] = [];
    for (let now = 0; now <= 20_000; now += 1_000) {
      for (const removal of book.due(now)) {
        questions.push(removal.how);
        book.answered(removal.pod.uid, removal.how === 'evict' ? SAYS_NO : { kind: 'accepted' }, now);
      }
    }
    expect(questions.at(-1)).toBe('delete');
    book.gone('uid-of-p000');
    expect(book.report()).toMatchObject({ evicted: 0, overridden: ['web/p000'], left: [] });
  });

  it('is asked again after the time it needs to work out its figures', () => {
    const book = partial(pods(1));
    const [asked] = book.due(0);
    book.answered(asked?.pod.uid ?? '', { kind: 'budget', budget: 'web/shop', settlingMs: 10_000 }, 0);
    expect(book.nextDueMs(0)).toBe(10_000);
  });

  it('leaves its pods when they may not be deleted either', () => {
    const book = wholeCluster(pods(2));
    for (const { pod: asked } of book.due(0)) book.answered(asked.uid, SAYS_NO, 0);
    for (const removal of book.due(5_000))
      book.answered(removal.pod.uid, { kind: 'not-allowed', message: 'no delete' }, 5_000);
    expect(book.finished(0)).toBe(true);
    expect(book.newlyDrained(0)).toEqual([]);
    expect(book.report()).toMatchObject({ overridden: [], left: ['web/p000', 'web/p001'], errors: ['no delete'] });
  });

  it('that overlaps another is overruled at once', () => {
    const book = partial(pods(1));
    const [asked] = book.due(0);
    book.answered(asked?.pod.uid ?? '', { kind: 'never-evictable' }, 0);
    expect(names(book.due(0))).toEqual(['delete p000']);
  });
});

describe('an API server in trouble', () => {
  it('is asked by one request a second while it is away, and by all again when it is back', () => {
    const book = wholeCluster(pods(40));
    for (const { pod: asked } of book.due(0)) book.answered(asked.uid, AWAY, 0);
    expect(book.due(500)).toEqual([]);
    expect(book.nextDueMs(500)).toBe(1_000);
    const probe = book.due(1_000);
    expect(probe).toHaveLength(1);
    book.answered(probe[0]?.pod.uid ?? '', { kind: 'accepted' }, 1_100);
    expect(book.due(1_100)).toHaveLength(32);
  });

  it('gets fewer requests at a time when it says it is busy', () => {
    const book = wholeCluster(pods(64));
    for (const { pod: asked } of book.due(0)) book.answered(asked.uid, { kind: 'busy', retryAfterMs: 1_000 }, 0);
    expect(book.due(0).length).toBeLessThanOrEqual(2);
  });

  it('gets a pod again at once after a conflict, and slower after three', () => {
    const book = wholeCluster(pods(1));
    for (let round = 0; round < 3; round += 1) {
      expect(book.due(0)).toHaveLength(1);
      book.answered('uid-of-p000', { kind: 'conflict' }, 0);
    }
    expect(book.due(0)).toHaveLength(1);
    book.answered('uid-of-p000', { kind: 'conflict' }, 0);
    expect(book.due(0)).toHaveLength(0);
    expect(book.nextDueMs(0)).toBe(1_000);
  });

  it('with a failing webhook is asked twice more, then the pod is left and the webhook named', () => {
    const book = wholeCluster(pods(1));
    let now = 0;
    for (let asked = 0; asked < 3; asked += 1) {
      expect(book.due(now)).toHaveLength(1);
      book.answered('uid-of-p000', { kind: 'webhook', name: 'policy.example.org', message: '' }, now);
      now += 1_000;
    }
    expect(book.due(now)).toHaveLength(0);
    expect(book.finished(0)).toBe(true);
    expect(book.report().left).toEqual(['web/p000']);
    expect(book.report().errors.join()).toContain('policy.example.org');
  });

  it('that refuses our rights is not asked for anything more', () => {
    const book = wholeCluster(pods(40));
    const [first, ...others] = book.due(0);
    book.answered(first?.pod.uid ?? '', { kind: 'not-allowed', message: 'pods "p" is forbidden' }, 0);
    for (const { pod: asked } of others)
      book.answered(asked.uid, { kind: 'not-allowed', message: 'pods "p" is forbidden' }, 0);
    expect(book.due(1)).toEqual([]);
    expect(book.finished(0)).toBe(true);
    expect(book.report()).toMatchObject({ evicted: 0, errors: ['pods "p" is forbidden'] });
  });
});

describe('a node that is not ready', () => {
  it('is asked but not waited for, and never counts as drained', () => {
    const book = new DrainBook(['n1'], pods(1), terms());
    book.nodes([parseNode(nodeObject('n1', { unschedulable: true, ready: 'Unknown' }))]);
    const [asked] = book.due(0);
    book.answered(asked?.pod.uid ?? '', { kind: 'accepted' }, 0);
    expect(book.finished(0)).toBe(true);
    expect(book.newlyDrained(0)).toEqual([]);
    expect(book.report()).toMatchObject({ left: ['web/p000'] });
    expect(book.report().errors.join()).toContain('n1');
  });

  it('may die in the middle', () => {
    const book = wholeCluster(pods(1));
    const [asked] = book.due(0);
    book.answered(asked?.pod.uid ?? '', { kind: 'accepted' }, 0);
    expect(book.finished(0)).toBe(false);
    book.nodes([parseNode(nodeObject('n1', { unschedulable: true, ready: 'Unknown' }))]);
    expect(book.finished(0)).toBe(true);
  });

  it('that the cluster does not know is named', () => {
    const book = new DrainBook(['typo'], [], terms());
    book.nodes([parseNode(nodeObject('n1'))]);
    expect(book.report().errors).toEqual(['the cluster has no node typo']);
  });
});

describe('what cannot be waited for', () => {
  const accept = (book: DrainBook, nowMs: number) => {
    for (const { pod: asked } of book.due(nowMs)) book.answered(asked.uid, { kind: 'accepted' }, nowMs);
  };

  it('a pod that is there long after its grace no longer holds the drain, and is named with its node', () => {
    const book = wholeCluster([pod('stuck', { graceS: 10 })]);
    accept(book, 0);
    expect(book.nextDueMs(1)).toBe(20_000);
    expect(book.finished(19_999)).toBe(false);
    expect(book.finished(20_000)).toBe(true);
    expect(book.newlyDrained(20_000)).toEqual([]);
    expect(book.report()).toMatchObject({ left: ['web/stuck'] });
    expect(book.report().errors.join()).toContain('web/stuck on n1');
    book.gone('uid-of-stuck');
    expect(book.newlyDrained(20_001)).toEqual(['n1']);
  });

  it('one that was stopping already has what is left of its grace', () => {
    const book = wholeCluster([pod('old', { graceS: 600, deletion: { graceS: 5 } })]);
    expect(book.due(0)).toEqual([]);
    expect(book.finished(14_999)).toBe(false);
    expect(book.finished(15_000)).toBe(true);
  });

  it('a finalizer that appears when the containers have ended', () => {
    const book = wholeCluster(pods(1));
    accept(book, 0);
    const ended = { deletion: { graceS: 0 }, finalizers: ['example.org/f'], containersTerminated: true };
    book.seen(pod('p000', ended), 5);
    expect(book.newlyDrained(5)).toEqual(['n1']);
    expect(book.report().notes?.join()).toContain('finalizer: web/p000');
  });

  it('an API server that is away for half a minute', () => {
    const book = wholeCluster(pods(3));
    for (const { pod: asked } of book.due(0)) book.answered(asked.uid, AWAY, 0);
    for (let nowMs = 1_000; nowMs < 30_000; nowMs += 1_000) {
      const [probe] = book.due(nowMs);
      book.answered(probe?.pod.uid ?? '', AWAY, nowMs);
      expect(book.finished(nowMs)).toBe(false);
    }
    expect(book.due(30_000)).toEqual([]);
    expect(book.finished(30_000)).toBe(true);
    expect(book.report().left).toHaveLength(3);
    expect(book.report().errors.join()).toContain('away for too long');
  });

  it('a webhook that blocks everything: one pod asks for all', () => {
    const book = wholeCluster(pods(100));
    const blocked = { kind: 'webhook', name: 'policy.example.org', message: '' } as const;
    let asked = 0;
    for (let nowMs = 0; !book.finished(nowMs) && nowMs < 60_000; nowMs += 100) {
      for (const { pod: each } of book.due(nowMs)) {
        asked += 1;
        book.answered(each.uid, blocked, nowMs);
      }
    }
    expect(asked).toBeLessThanOrEqual(102);
    expect(book.report().left).toHaveLength(100);
    expect(book.report().errors).toEqual(['admission webhook policy.example.org fails and blocks evictions']);
  });

  it('a webhook that comes back lets all go', () => {
    const book = wholeCluster(pods(10));
    for (const { pod: each } of book.due(0))
      book.answered(each.uid, { kind: 'webhook', name: 'slow.example.org', message: '' }, 0);
    expect(book.due(500)).toEqual([]);
    const probe = book.due(1_000);
    expect(probe).toHaveLength(1);
    book.answered(probe[0]?.pod.uid ?? '', { kind: 'accepted' }, 1_001);
    expect(book.due(1_002)).toHaveLength(9);
  });

  it('a webhook that blocks deletions as well', () => {
    const book = wholeCluster(pods(1));
    const blocked = { kind: 'webhook', name: 'policy.example.org', message: '' } as const;
    book.answered(book.due(0)[0]?.pod.uid ?? '', { kind: 'never-evictable' }, 0);
    let asked = 0;
    for (let nowMs = 0; !book.finished(nowMs) && nowMs < 60_000; nowMs += 100) {
      for (const { pod: each, how } of book.due(nowMs)) {
        asked += 1;
        expect(how).toBe('delete');
        book.answered(each.uid, blocked, nowMs);
      }
    }
    expect(asked).toBe(3);
  });
});

describe('volumes', () => {
  const nas = { labels: { app: 'nfs-server' } };
  const own = (name: string) => ({ controller: { kind: 'StatefulSet', apiVersion: 'apps/v1', name, uid: name } });

  it('keep storage running and their node undrained until they are given back', () => {
    const book = wholeCluster([pod('app', own('app')), pod('nas', { ...nas, ...own('nas') })]);
    book.volumes(new Set(['n1', 'elsewhere']));
    expect(names(book.due(0))).toEqual(['evict app']);
    book.answered('uid-of-app', { kind: 'accepted' }, 0);
    book.gone('uid-of-app');
    expect(book.due(1_000)).toEqual([]);
    expect(book.waitsForVolumes).toBe(true);
    book.volumes(new Set(['elsewhere']));
    expect(book.waitsForVolumes).toBe(false);
    expect(names(book.due(2_000))).toEqual(['evict nas']);
  });

  it('that are never given back hold up nothing for longer than half a minute', () => {
    const book = wholeCluster([pod('app', own('app')), pod('nas', { ...nas, ...own('nas') })]);
    book.volumes(new Set(['n1']));
    book.due(0);
    book.answered('uid-of-app', { kind: 'accepted' }, 0);
    book.gone('uid-of-app');
    expect(book.due(1_000)).toEqual([]);
    expect(book.nextDueMs(1_000)).toBe(31_000);
    expect(names(book.due(31_000))).toEqual(['evict nas']);
    book.answered('uid-of-nas', { kind: 'accepted' }, 31_000);
    book.gone('uid-of-nas');
    expect(book.newlyDrained(31_001)).toEqual(['n1']);
    expect(book.finished(31_001)).toBe(true);
    expect(book.report().errors.join()).toContain('n1 still has volumes attached');
  });

  it('hold a node without any pods', () => {
    const book = wholeCluster([]);
    book.volumes(new Set(['n1']));
    expect(book.newlyDrained(0)).toEqual([]);
    expect(book.finished(0)).toBe(false);
    book.volumes(new Set());
    expect(book.newlyDrained(1)).toEqual(['n1']);
    expect(book.finished(1)).toBe(true);
  });
});
