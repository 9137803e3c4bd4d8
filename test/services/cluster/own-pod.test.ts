import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { ownPod } from '../../../services/cluster/own-pod.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdover-own-pod-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('knows the pod this process runs in', () => {
  const file = join(folder, 'namespace');
  writeFileSync(file, 'power\n');
  const inside = { KUBERNETES_SERVICE_HOST: '10.43.0.1', HOSTNAME: 'holdover-0' };
  expect(ownPod(inside, file)).toBe('power/holdover-0');
  expect(ownPod({ ...inside, POD_NAME: 'real', POD_NAMESPACE: 'ups' }, file)).toBe('ups/real');
  expect(ownPod(inside, join(folder, 'nothing'))).toBeUndefined();
  expect(ownPod({ HOSTNAME: 'nuc' }, file)).toBeUndefined();
});
