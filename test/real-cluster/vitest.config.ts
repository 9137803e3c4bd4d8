import { defineConfig } from 'vitest/config';

/** `HOLDOVER_TEST_KUBECONFIG=… npx vitest run --config test/real-cluster/vitest.config.ts`; see docs/kubernetes.md. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.real.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 1,
  },
});
