import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { driverIds } from '#bms';
import { generated } from '../scripts/generate/files.ts';
import { catalogue } from '../services/telemetry/catalogue.ts';
import { BOARDS } from '../services/twin/devices/boards/index.ts';

/** What is generated is committed, and what people read names what is there. */

describe('generated files', () => {
  it('are committed as they are generated (else: npm run generate)', async () => {
    const stale = Object.entries(await generated()).filter(([path, text]) => readFileSync(path, 'utf8') !== text);
    expect(stale.map(([path]) => path)).toEqual([]);
  });

  it('are the same each time', async () => {
    expect(await generated()).toEqual(await generated());
  });

  it('are all there is in their folders', async () => {
    const there = [...globSync('docs/generated/*'), ...globSync('dashboards/out/**/*.*')];
    const made = Object.keys(await generated()).filter((path) => /^(docs\/generated|dashboards\/out)\//.test(path));
    expect(there.sort()).toEqual(made.sort());
  });

  it('hold no address of the machine that made them', async () => {
    for (const [path, text] of Object.entries(await generated()))
      expect(text, path).not.toMatch(/\/home\/|\/work\/|\/tmp\//);
  });
});

describe('the schema for editors', () => {
  const text = readFileSync('docs/generated/holdover.schema.json', 'utf8');

  it('knows every section, and nothing else', () => {
    const { properties, additionalProperties } = JSON.parse(text);
    expect(Object.keys(properties)).toEqual(
      expect.arrayContaining([
        'site',
        'packs',
        'meters',
        'mains',
        'switches',
        'hosts',
        'cluster',
        'shutdown',
        'mqtt',
        'http',
      ]),
    );
    expect(additionalProperties).toBe(false);
  });
});

describe('the page of metrics', () => {
  const page = readFileSync('docs/generated/metrics.md', 'utf8');

  it('has every metric, and no other', () => {
    const told = [...page.matchAll(/^\| `(holdover_[a-z0-9_]+)`/gm)].map(([, name]) => name);
    expect(told.sort()).toEqual(catalogue.map(({ name }) => name).sort());
  });
});

describe('the page of devices', () => {
  it('has every driver', () => {
    const page = readFileSync('docs/devices.md', 'utf8');
    expect(driverIds().filter((id) => !page.includes(`\`${id}\``))).toEqual([]);
  });

  it('names emulators by the drivers that read them', () => {
    expect(Object.keys(BOARDS).filter((kind) => !driverIds().includes(kind))).toEqual([]);
  });
});
