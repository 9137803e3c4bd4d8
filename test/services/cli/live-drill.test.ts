import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { liveDrill } from '../../../services/cli/live-drill.ts';
import { type Config, configSchema } from '../../../services/config/schema.ts';
import { finite } from '../../../services/http/finite.ts';
import { drillAnswer } from '../../../services/http/schemas/drill.ts';
import { liveOf } from '../../../services/twin/drill/live.ts';
import { snapshotOf } from '../http/rack-fixture.ts';

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let stateDir = '';
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'holdover-live-drill-'));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const config = (): Config =>
  configSchema.parse({
    packs: [
      { id: 'lfp1', driver: 'jbd', via: { serial: '/dev/null' }, chemistry: 'lifepo4', cells: 16, capacityAh: 20 },
    ],
    meters: [{ id: 'sdm1', driver: 'sdm230', via: { modbusTcp: '127.0.0.1:502' } }],
    switches: [{ id: 'sw1', driver: 'snmp', host: '127.0.0.1', budgetW: 300, community: { env: 'X' } }],
    hosts: [1, 2].map((n) => ({
      id: `pi${n}`,
      poe: `sw1/${n}`,
      halt: { ssh: { user: 'ops', key: { env: 'K' }, hostKey: `SHA256:${'A'.repeat(43)}` } },
    })),
    shutdown: { stateDir, stages: [{ name: 'workers', hosts: ['pi1', 'pi2'] }] },
  });

function live(socRatio: number) {
  const { rack, coordinator } = finite(snapshotOf('mains'));
  return {
    rack: { ...rack, bank: { ...rack.bank, socRatio, packs: undefined } },
    coordinator: { ...coordinator, schedule: { ...coordinator.schedule, loadW: 300 } },
  };
}

const never = new AbortController().signal;

describe('a drill inside the service', () => {
  it('begins from the charge and the load that are seen, and answers as the API describes', async () => {
    const full = await liveDrill(config(), log, { outageS: 1200 }, live(0.95), never);
    const low = await liveDrill(config(), log, { outageS: 1200 }, live(0.25), never);
    expect(drillAnswer.strict().parse(full)).toEqual(full);
    expect(full.points[0]?.socRatio).toBeCloseTo(0.95, 1);
    expect(low.points[0]?.socRatio).toBeCloseTo(0.25, 1);
    expect(full.basis).toMatchObject({ socRatio: 0.95, loadW: 300, outageS: 1200 });
    expect(full.timeline.map(({ text }) => text).join('\n')).not.toContain('shutting-down');
    expect(low.timeline.map(({ text }) => text).join('\n')).toContain('shutting-down');
    expect(low.darkSocRatio).toBeGreaterThan(0);
  });

  it('takes each pack as it was counted, where that is known', async () => {
    const { rack, coordinator } = live(0.5);
    const two = { ...rack, bank: { ...rack.bank, packs: { lfp1: { socRatio: 0.25, socSigma: 0.02 } } } };
    expect(liveOf({ rack: { ...two, packs: { lfp1: {}, lfp2: {} } }, coordinator }).socRatio).toEqual({
      lfp1: 0.25,
      lfp2: 0.5,
    });
  });

  it('plays what was said to go wrong, and knows what there is', async () => {
    const answer = await liveDrill(config(), log, { outageS: 7200, faults: ['hang:pi2'] }, live(0.4), never);
    expect(answer.findings.some(({ text }) => text.includes('pi2'))).toBe(true);
    const wrong = liveDrill(config(), log, { outageS: 60, faults: ['hang:nobody'] }, live(0.4), never);
    await expect(wrong).rejects.toThrow('nobody is not in the configuration');
    const odd = liveDrill(config(), log, { outageS: 60, faults: ['toString:pi1'] }, live(0.4), never);
    await expect(odd).rejects.toThrow('there is no such fault');
  });

  it('keeps its answer small however long the outage', async () => {
    const answer = await liveDrill(config(), log, { outageS: 12 * 3600 }, live(0.5), never);
    expect(answer.points.length).toBeLessThanOrEqual(361);
    expect(answer.points.at(-1)?.atS).toBeGreaterThan(12 * 3600 - 120);
  });

  it('ends with its signal and leaves the event loop to others meanwhile', async () => {
    const ended = new AbortController();
    const running = liveDrill(config(), log, { outageS: 172_800 }, live(0.9), ended.signal);
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
      if (turns === 20) ended.abort(new Error('enough'));
    }, 1);
    await expect(running).rejects.toThrow('enough');
    clearInterval(ticking);
  });
});
