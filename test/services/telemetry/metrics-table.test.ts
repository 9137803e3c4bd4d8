import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { metricsTable } from '../../../scripts/generate/metrics-table.ts';
import { catalogue } from '../../../services/telemetry/catalogue.ts';

describe('the page of metrics', () => {
  const page = metricsTable();

  it('has one row for every metric, of seven cells', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| `holdover_'));
    expect(rows).toHaveLength(catalogue.length);
    for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(9);
  });

  it('is the one that is committed', () => {
    expect(readFileSync('docs/generated/metrics.md', 'utf8')).toBe(page);
  });
});
