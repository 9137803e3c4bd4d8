import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { listPods } from '../../../services/cluster/lists.ts';
import { watchPods } from '../../../services/cluster/watch.ts';
import { fastClock } from '../../../services/runtime/clock.ts';
import { type RunningTwin, runTwin, until } from './running-twin.ts';
import { listObject, podObject, type ScriptedApi, type ScriptedRequest, scriptApi } from './scripted-api.ts';

let scripted: ScriptedApi | undefined;
let twin: RunningTwin | undefined;

afterEach(async () => {
  await scripted?.close();
  await twin?.close();
  scripted = undefined;
  twin = undefined;
});

interface Heard {
  readonly log: string[];
  stop(): Promise<void>;
}

/** Watches the scripted server and writes down what is heard. */
function listen(api: ScriptedApi, from = '10'): Heard {
  const log: string[] = [];
  const ended = new AbortController();
  const done = watchPods(api.rest, fastClock(20), {
    from,
    signal: ended.signal,
    list: (signal) => listPods(api.rest, signal),
    onPod: (pod) => log.push(`pod ${pod.name}`),
    onGone: (pod) => log.push(`gone ${pod.name}`),
    onRelist: (pods) => log.push(`list ${pods.map(({ name }) => name).join(' ')}`),
    onTrouble: (error) => log.push(`trouble ${error.code}`),
  });
  return {
    log,
    stop: async () => {
      ended.abort();
      await done;
    },
  };
}

const event = (type: string, name: string, resourceVersion: string): string =>
  `${JSON.stringify({ type, object: podObject(name, { metadata: { resourceVersion } }) })}\n`;

const watches = (api: ScriptedApi): readonly ScriptedRequest[] =>
  api.requests.filter(({ query }) => query.get('watch') === 'true');

/** Answers the n-th watch with the n-th script, and all later ones with silence. */
const scriptWatches = async (...scripts: readonly ((response: ServerResponse) => void)[]): Promise<ScriptedApi> => {
  let next = 0;
  scripted = await scriptApi(({ query }, response) => {
    if (query.get('watch') !== 'true') return { json: listObject([podObject('listed')], '50') };
    response.writeHead(200);
    response.flushHeaders();
    scripts[next]?.(response);
    next += 1;
    return 'own';
  });
  return scripted;
};

describe('a watch', () => {
  it('asks for bookmarks and an early end, and resumes after the last thing it heard', async () => {
    const api = await scriptWatches((response) => {
      response.write(event('MODIFIED', 'a', '11'));
      response.write(event('DELETED', 'b', '12'));
      response.end(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '20' } } })}\n`);
    });
    const heard = listen(api);
    await until('a second watch', () => watches(api).length === 2);
    await heard.stop();
    expect(heard.log).toEqual(['pod a', 'gone b']);
    expect(watches(api)[0]?.query.get('timeoutSeconds')).toBe('25');
    expect(watches(api)[0]?.query.get('allowWatchBookmarks')).toBe('true');
    expect(watches(api).map(({ query }) => query.get('resourceVersion'))).toEqual(['10', '20']);
  });

  it('lists again when the server has forgotten its place', async () => {
    const api = await scriptWatches((response) => {
      const object = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
    });
    const heard = listen(api);
    await until('a second watch', () => watches(api).length === 2);
    await heard.stop();
    expect(heard.log).toEqual(['list listed']);
    expect(watches(api).at(-1)?.query.get('resourceVersion')).toBe('50');
  });

  it('lists again when 410 comes as the answer itself', async () => {
    let first = true;
    scripted = await scriptApi(({ query }, response) => {
      if (query.get('watch') !== 'true') return { json: listObject([], '50') };
      if (first) {
        first = false;
        return { status: 410, json: { kind: 'Status', code: 410, message: 'too old' } };
      }
      response.writeHead(200);
      response.flushHeaders();
      return 'own';
    });
    const api = scripted;
    const heard = listen(api);
    await until('a second watch', () => watches(api).length === 2);
    await heard.stop();
    expect(heard.log).toEqual(['list ']);
  });

  it('resumes where it was after a broken connection', async () => {
    const api = await scriptWatches((response) => {
      response.write(event('ADDED', 'a', '11'), () => setTimeout(() => response.destroy(), 20));
    });
    const heard = listen(api);
    await until('a second watch', () => watches(api).length === 2);
    await heard.stop();
    expect(heard.log).toEqual(['pod a', 'trouble unreachable']);
    expect(watches(api).at(-1)?.query.get('resourceVersion')).toBe('11');
  });

  it.each([
    ['no JSON', 'hello\n'],
    ['a pod without a uid', '{"type":"ADDED","object":{"metadata":{"name":"a","namespace":"b"},"spec":{}}}\n'],
    ['an unknown type', '{"type":"GOSSIP","object":{}}\n'],
    ['null', 'null\n'],
    ['an endless line', 'x'.repeat(5 * 1024 * 1024)],
  ])('begins with a list again after %s', async (_, garbage) => {
    const api = await scriptWatches((response) => response.write(garbage));
    const heard = listen(api);
    await until('a second watch', () => watches(api).length === 2);
    await heard.stop();
    expect(heard.log.at(-1)).toBe('list listed');
    expect(heard.log[0]).toMatch(/^trouble/);
  });

  it('on the simulated cluster hears of every pod that goes, across a forgotten history', async () => {
    twin = await runTwin({ nodes: 3, podsPerNode: 8, budgets: [] });
    const rack = twin;
    const { RestClient } = await import('../../../services/cluster/rest.ts');
    const rest = new RestClient({ server: new URL(`http://${rack.api.address}`), skipTlsVerify: false }, 5_000);
    const from = String(rack.cluster.resourceVersion);
    const before = rack.cluster
      .list('pods')
      .filter((pod) => pod.metadata.name.startsWith('app-'))
      .map((pod) => pod.metadata.uid);
    expect(before.length).toBeGreaterThan(5);
    rack.cluster.evict('home/home-assistant-0');
    await rack.until('home-assistant is gone', () => rack.cluster.events.some(({ kind }) => kind === 'podGone'));
    rack.cluster.compact();
    const present = new Set<string>();
    const gone = new Set<string>();
    let lists = 0;
    const ended = new AbortController();
    const done = watchPods(rest, rack.clock, {
      from,
      signal: ended.signal,
      list: (signal) => listPods(rest, signal),
      onPod: (pod) => present.add(pod.uid),
      onGone: (pod) => gone.add(pod.uid),
      onRelist: (pods) => {
        lists += 1;
        for (const { uid } of pods) present.add(uid);
      },
      onTrouble: () => undefined,
    });
    await rack.until('the list after 410', () => lists === 1);
    for (const pod of rack.cluster.list('pods')) {
      if (before.includes(pod.metadata.uid)) rack.cluster.evict(`${pod.metadata.namespace}/${pod.metadata.name}`);
    }
    await rack.until('all are gone', () => before.every((uid) => gone.has(uid)));
    ended.abort();
    await done;
    rest.close();
    expect(lists).toBe(1);
    expect(before.every((uid) => present.has(uid))).toBe(true);
  });
});
