import { describe, expect, it } from 'vitest';
import { clusterSchema } from '../../../services/config/cluster.ts';

const check = (more: Record<string, unknown>) =>
  clusterSchema.safeParse({ kubeconfig: '/etc/holdover/kubeconfig', ...more });

describe('the cluster in the configuration', () => {
  it('needs no more than a kubeconfig', () => {
    expect(check({}).data).toMatchObject({
      every: 5,
      requestTimeout: 5,
      servers: [],
      stop: 'evict',
      order: [],
      storage: [],
      keep: [],
      uncordonShare: 0.6,
      uncordonPatience: 300,
    });
  });

  it.each([
    [{ servers: ['https://10.0.0.11:6443', 'https://[fd00::1]:6443'] }],
    [{ order: [{ name: 'databases', pods: [{ namespace: 'data' }, { name: 'pg-*' }, { labels: { app: 'x' } }] }] }],
    [{ stop: 'scale', uncordonShare: 1, uncordonPatience: '10m' }],
  ])('takes %j', (more) => {
    expect(check(more).success).toBe(true);
  });

  it.each([
    ['a server without a scheme', { servers: ['10.0.0.11:6443'] }],
    ['a server with a password in it', { servers: ['https://a:b@10.0.0.11:6443'] }],
    ['a selector that selects everything', { keep: [{}] }],
    ['a misspelt selector', { storage: [{ label: { app: 'x' } }] }],
    ['a group without pods', { order: [{ name: 'none', pods: [] }] }],
    ['another way to stop', { stop: 'kill' }],
    ['a share above one', { uncordonShare: 60 }],
  ])('refuses %s', (_, more) => {
    expect(check(more).success).toBe(false);
  });
});
