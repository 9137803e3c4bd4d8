import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../services/config/load.ts';

const pack = (driver: string, via: object, more: object = {}): string =>
  JSON.stringify({
    packs: [{ id: 'p1', driver, via, chemistry: 'lifepo4', cells: 4, capacityAh: 100, ...more }],
    meters: [],
  });

/** Paths and messages of what is wrong, or of what is warned of. */
function found(text: string, folder?: string): string[] {
  const checked = checkConfig(text, folder);
  return (checked.ok ? checked.warnings : checked.problems).map(({ path, message }) => `${path}: ${message}`);
}

const mqtt = { url: 'mqtt://127.0.0.1', topic: 'b' };

describe('devices that others publish', () => {
  it('are known by their mapping, which brings its own limit', () => {
    const checked = checkConfig(pack('esphome', { mqtt }));
    expect(checked.ok && checked.config.packs[0]?.staleAfter).toBe(60);
    const own = checkConfig(pack('esphome', { mqtt }, { staleAfter: '20s' }));
    expect(own.ok && own.config.packs[0]?.staleAfter).toBe(20);
    const http = checkConfig(pack('diybms-http', { http: { url: 'http://127.0.0.1' } }, { every: '5s' }));
    expect(http.ok && http.config.packs[0]?.staleAfter).toBe(15);
  });

  it.each([
    ['esphom', { mqtt }, {}, 'packs[0].driver: no mapping is called esphom'],
    ['shelly-em', { mqtt }, {}, 'packs[0].driver: shelly-em tells of a meter'],
    [
      'esphome',
      { http: { url: 'http://127.0.0.1' } },
      {},
      'packs[0].via.http: mapping esphome needs topic: the topic prefix',
    ],
    ['diybms-http', { mqtt: { url: 'mqtt://127.0.0.1' } }, {}, 'packs[0].via: mapping diybms-http is not about MQTT'],
    [
      'venus-battery',
      { mqtt: { url: 'mqtt://127.0.0.1' } },
      {},
      'packs[0].via.mqtt: mapping venus-battery needs portal',
    ],
    ['batmon-ha', { mqtt }, {}, 'packs[0].staleAfter: batmon-ha does not repeat what did not change'],
    ['batmon-ha', { mqtt }, { staleAfter: '5m' }, 'packs[0].via.mqtt.heartbeat: batmon-ha does not repeat'],
    ['esphome', { mqtt }, { address: 3 }, 'packs[0].address: who only listens to others cannot use this'],
    [
      'esphome',
      { mqtt: { ...mqtt, url: 'mqtt://10.0.0.2', user: 'me', password: { env: 'X' } } },
      {},
      'packs[0].via.mqtt.url: the password for p1 travels in the clear',
    ],
  ] as const)('%s by %j is remarked on', (driver, via, more, message) => {
    expect(found(pack(driver, via, more)).filter((each) => each.startsWith(message))).toHaveLength(1);
  });

  it('takes no password in the address and no bare secret', () => {
    expect(checkConfig(pack('esphome', { mqtt: { ...mqtt, url: 'mqtt://me:secret@10.0.0.2' } })).ok).toBe(false);
    expect(checkConfig(pack('esphome', { mqtt: { ...mqtt, password: 'secret' } })).ok).toBe(false);
  });

  it('finds mappings of the user beside the profiles', () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdover-mappings-'));
    try {
      const mine = 'mapping: mine\ntitle: Mine\nnote: own\nmeasures: pack\nvalues: { voltageV: { topic: a/b } }\n';
      writeFileSync(join(folder, 'mine.yaml'), mine);
      const text = JSON.stringify({
        profiles: '.',
        ...JSON.parse(pack('mine', { mqtt: { url: 'mqtt://127.0.0.1' } })),
      });
      expect(checkConfig(text, folder).ok).toBe(true);
      writeFileSync(join(folder, 'mine.yaml'), mine.replace('measures: pack', 'measures: weather'));
      expect(found(text, folder).join()).toMatch(/mine\.yaml.*measures/s);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
