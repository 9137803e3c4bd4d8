import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { peer } from '../peers.ts';

/** The files that bring the whole picture up. Docker is not here: they are read as YAML, and held against each other. */

interface Service {
  readonly image: string;
  readonly volumes?: readonly string[];
  readonly command?: readonly string[];
}

const compose = parse(readFileSync('deploy/docker-compose.yml', 'utf8')) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const promtool = peer('promtool');

const mounts = Object.values(compose.services).flatMap(({ volumes = [] }) =>
  volumes.map((volume) => {
    const [from = '', to = ''] = volume.split(':');
    return { from, to };
  }),
);

describe('the compose file', () => {
  it('names every image with a version', () => {
    for (const [name, { image }] of Object.entries(compose.services)) {
      if (name === 'holdover') continue;
      expect(image, name).toMatch(/:v?\d+\.\d+\.\d+$/);
    }
    expect(JSON.stringify(compose)).not.toContain('latest');
  });

  it('mounts what is there, and volumes it declares', () => {
    for (const { from } of mounts) {
      // Made by whoever uses it: the configuration of the rack.
      if (from === './holdover') continue;
      if (from.startsWith('.')) expect(existsSync(join('deploy', from)), from).toBe(true);
      else expect(Object.keys(compose.volumes), from).toContain(from);
    }
  });

  it('has every service the data sources name', () => {
    const { datasources } = parse(readFileSync('deploy/grafana/provisioning/datasources/holdover.yml', 'utf8')) as {
      datasources: readonly { url: string; uid: string; editable: boolean }[];
    };
    for (const { url } of datasources) expect(Object.keys(compose.services)).toContain(new URL(url).hostname);
    expect(new Set(datasources.map(({ uid }) => uid)).size).toBe(datasources.length);
  });

  it('puts the boards where the providers look', () => {
    const { providers } = parse(readFileSync('deploy/grafana/provisioning/dashboards/holdover.yml', 'utf8')) as {
      providers: readonly { options: { path: string }; editable: boolean }[];
    };
    for (const { options } of providers) expect(mounts.map(({ to }) => to)).toContain(options.path);
  });
});

describe('the scrape', () => {
  const text = readFileSync('deploy/grafana/prometheus.yml', 'utf8');

  it('asks holdover, and reads the rules where they are mounted', () => {
    const config = parse(text) as {
      rule_files: string[];
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    expect(config.scrape_configs[0]?.static_configs[0]?.targets).toEqual(['holdover:8470']);
    for (const file of config.rule_files) expect(mounts.map(({ to }) => to)).toContain(file);
  });

  it.skipIf(promtool.skip)(`is accepted by ${promtool.title}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdover-compose-'));
    try {
      const file = join(folder, 'prometheus.yml');
      writeFileSync(
        file,
        text.replace('/etc/prometheus/rules/holdover.yml', resolve('dashboards/out/alerts/prometheus.yml')),
      );
      expect(execFileSync(promtool.path, ['check', 'config', file]).toString()).toContain('SUCCESS');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
