import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../services/cluster/api-error.ts';
import {
  parseLease,
  parseNode,
  parsePage,
  parsePod,
  parseStatus,
  parseWatchEvent,
} from '../../../services/cluster/objects.ts';
import { nodeObject, podObject } from './scripted-api.ts';

describe('objects of the API', () => {
  it('a pod that is stopping', () => {
    const metadata = { deletionTimestamp: '2026-01-31T12:00:30Z', deletionGracePeriodSeconds: 30, finalizers: ['f'] };
    const status = {
      phase: 'Running',
      containerStatuses: [{ state: { terminated: { exitCode: 0 } } }, { state: { running: {} } }],
    };
    expect(
      parsePod(podObject('a', { metadata, status, spec: { volumes: [{ emptyDir: {} }], priority: 7 } })),
    ).toMatchObject({
      namespace: 'web',
      node: 'n1',
      priority: 7,
      graceS: 30,
      deletion: { graceS: 30 },
      emptyDir: true,
      containersTerminated: false,
      controller: { kind: 'ReplicaSet' },
    });
  });

  it('only an owner that controls the pod is its controller', () => {
    const reference = { kind: 'Node', apiVersion: 'v1', name: 'n', uid: 'u' };
    expect(parsePod(podObject('a', { metadata: { ownerReferences: [reference] } }))).not.toHaveProperty('controller');
  });

  it('null stands for absent, as Go writes empty lists and maps', () => {
    const pod = podObject('a', {
      metadata: { annotations: null, labels: null, finalizers: null, ownerReferences: null },
    });
    expect(parsePod({ ...pod, status: null })).toMatchObject({ annotations: {}, phase: 'Unknown' });
    expect(parsePage({ metadata: { resourceVersion: '1', continue: '' }, items: null }, parsePod)).toEqual({
      items: [],
      resourceVersion: '1',
    });
  });

  it('a node that never reported is unknown', () => {
    expect(parseNode({ metadata: { name: 'n', resourceVersion: '1' } }).ready).toBe('unknown');
    expect(parseNode(nodeObject('n', { ready: 'False' })).ready).toBe('false');
  });

  it('a Lease without a readable time tells nothing', () => {
    expect(parseLease({ metadata: { name: 'n' }, spec: { renewTime: 'yesterday' } })).toEqual({ name: 'n' });
    expect(parseLease({ metadata: { name: 'n' }, spec: { renewTime: '2026-01-31T12:00:00.250000Z' } })).toEqual({
      name: 'n',
      renewedAtMs: Date.UTC(2026, 0, 31, 12, 0, 0, 250),
    });
  });

  it('one bad item refuses the page and says which', () => {
    const page = { metadata: { resourceVersion: '1' }, items: [podObject('a'), { metadata: { name: 'b' } }] };
    expect(() => parsePage(page, parsePod)).toThrow(/metadata\.namespace/);
  });

  it('a page of a proxy is no Status', () => {
    expect(parseStatus('<html>')).toBeUndefined();
    expect(parseStatus('{"kind":"Node"}')).toBeUndefined();
    expect(parseStatus({ kind: 'Status', message: 'x'.repeat(10_000) })?.message).toHaveLength(500);
  });

  it('anything at all is parsed or refused with an ApiError', () => {
    const parsers = [parseNode, parsePod, parseLease, parseWatchEvent, (value: unknown) => parsePage(value, parsePod)];
    const almost = fc
      .jsonValue()
      .map((value) => podObject('a', { metadata: { annotations: value }, spec: { volumes: value } }));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), almost), (value) => {
        parseStatus(value);
        for (const parse of parsers) {
          try {
            parse(value);
          } catch (error) {
            expect(error).toBeInstanceOf(ApiError);
          }
        }
      }),
    );
  });
});
