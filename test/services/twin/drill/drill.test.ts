import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../../services/config/load.ts';
import { type Config, configSchema } from '../../../../services/config/schema.ts';
import { type DrillOptions, type DrillStory, runDrill } from '../../../../services/twin/drill/drill.ts';
import { judge } from '../../../../services/twin/drill/verdict.ts';

/** Outages of a small rack in virtual time, with the real coordinator. */

const rack = (change: object = {}): Config =>
  configSchema.parse({
    packs: [
      { id: 'lfp1', driver: 'jbd', via: { serial: '/dev/null' }, chemistry: 'lifepo4', cells: 16, capacityAh: 20 },
    ],
    meters: [{ id: 'sdm1', driver: 'sdm230', via: { modbusTcp: '127.0.0.1:502' } }],
    switches: [
      { id: 'sw1', driver: 'snmp', host: '127.0.0.1', budgetW: 300, community: { env: 'X' } },
      { id: 'sw2', driver: 'snmp', host: '127.0.0.2', budgetW: 300, community: { env: 'X' } },
    ],
    hosts: [
      ...[1, 2, 3].map((n) => ({ id: `pi${n}`, node: `pi${n}`, poe: `sw1/${n}`, halt: halt(), powerW: 8 })),
      ...[1, 2, 3].map((n) => ({ id: `cp${n}`, node: `cp${n}`, poe: `sw2/${n}`, halt: halt(), powerW: 8 })),
      { id: 'nuc', halt: halt(), wake: { wol: { mac: '02:00:00:00:00:01' } }, address: '127.0.0.3', powerW: 20 },
    ],
    cluster: { kubeconfig: '/nowhere' },
    shutdown: {
      stages: [
        { name: 'workers', hosts: ['pi1', 'pi2', 'pi3', 'nuc'] },
        { name: 'control-plane', hosts: ['cp1', 'cp2', 'cp3'] },
      ],
    },
    ...change,
  });

const halt = () => ({
  ssh: { user: 'ops', key: { env: 'K' }, hostKey: `SHA256:${'A'.repeat(43)}` },
});

const drill = (options: Partial<DrillOptions> = {}): Promise<DrillStory> =>
  runDrill({ config: rack(), outageS: 6 * 3600, loadW: 200, wallMs: Date.UTC(2026, 0, 2), ...options });

const allUp = ({ state }: DrillStory): boolean => Object.values(state.hosts).every(({ phase }) => phase === 'up');

describe('an outage that empties the bank', () => {
  it('puts everything to bed with the reserve intact, and brings everything back', async () => {
    const story = await drill();
    expect(judge(story).verdict).toBe('safe');
    expect(story.casualties).toEqual([]);
    expect(story.darkSocRatio).toBeGreaterThan(0.1);
    expect(allUp(story)).toBe(true);
    expect(story.backAfterS).toBeGreaterThan(6 * 3600);
    const phases = story.events.flatMap(({ entry }) => (entry.kind === 'phase' ? [entry.phase] : []));
    expect(phases).toEqual(['on-battery', 'shutting-down', 'dark', 'restoring', 'mains']);
  });

  it('is the same story every time', async () => {
    expect(await drill()).toEqual(await drill());
  });

  it('does not begin before it must: most of what may be used was used', async () => {
    expect((await drill()).darkSocRatio).toBeLessThan(0.3);
  });
});

describe('an outage that is over soon', () => {
  it('touches nothing', async () => {
    const story = await drill({ outageS: 300 });
    expect(judge(story)).toMatchObject({ verdict: 'safe' });
    expect(story.events.filter(({ entry }) => entry.kind === 'host')).toEqual([]);
  });
});

describe('accidents', () => {
  it('a pack that falls silent with the mains: dead reckoning knows the load nobody configured', async () => {
    const story = await drill({ faults: { silent: new Set(['lfp1']) } });
    expect(story.casualties).toEqual([]);
    expect(story.darkSocRatio).toBeGreaterThan(0.1);
    expect(allUp(story)).toBe(true);
  });

  it('a host that never halts is cut by force, and told', async () => {
    const story = await drill({ faults: { hang: new Set(['pi2']) } });
    expect(story.casualties).toMatchObject([{ host: 'pi2', why: 'cut' }]);
    const { verdict, findings } = judge(story);
    expect(verdict).toBe('attention');
    expect(findings.map(({ text }) => text).join()).toContain('pi2 did not halt');
    expect(allUp(story)).toBe(true);
  });

  it('a switch that says yes and does nothing', async () => {
    const story = await drill({ faults: { disobey: new Set(['sw1']) } });
    expect(story.casualties).toEqual([]);
    expect(
      judge(story)
        .findings.map(({ text }) => text)
        .join(),
    ).toMatch(/pi1: port could not be cut/);
  });

  it('pods that never leave cost the drain its time, and no more', async () => {
    const story = await drill({ faults: { stuck: new Set(['all']) } });
    expect(story.casualties).toEqual([]);
    expect(story.darkSocRatio).toBeGreaterThan(0);
    expect(allUp(story)).toBe(true);
  });

  it('an API that is gone: hosts are halted all the same', async () => {
    const story = await drill({ faults: { silent: new Set(['api']) } });
    expect(story.casualties).toEqual([]);
    expect(allUp(story)).toBe(true);
  });

  it('a pack that holds less than it is said to', async () => {
    const story = await drill({ truthRatio: 0.7 });
    expect(story.casualties.filter(({ why }) => why === 'battery empty')).toEqual([]);
  });

  it('a weak cell: everything is off before its board opens, with the pack still half full', async () => {
    const story = await drill({ faults: { weak: new Set(['lfp1']) } });
    expect(judge(story).verdict).toBe('safe');
    expect(story.casualties).toEqual([]);
    expect(story.points.some(({ socRatio }) => socRatio < 0.5)).toBe(true);
    expect(Math.min(...story.points.map(({ socRatio }) => socRatio))).toBeGreaterThan(0.38);
    expect(allUp(story)).toBe(true);
  });

  it('a host that nobody can halt: the verdict says what to do', async () => {
    const config = rack({
      hosts: rack().hosts.map(({ halt: _h, ...host }) => (host.id === 'nuc' ? host : { ...host, halt: halt() })),
    });
    const { verdict, findings } = judge(await drill({ config, outageS: 20 * 3600 }));
    expect(verdict).not.toBe('safe');
    expect(findings.some(({ text }) => text.includes('nuc'))).toBe(true);
  });
});

describe('what cannot be drilled', () => {
  it('says so', async () => {
    await expect(drill({ config: rack({ packs: [] }) })).rejects.toThrow(/no pack/);
    await expect(drill({ config: rack({ shutdown: {} }) })).rejects.toThrow(/no stages/);
  });

  it('the example of the repository can', async () => {
    const text = (await import('node:fs')).readFileSync('examples/holdover.yaml', 'utf8');
    const checked = checkConfig(text, 'examples');
    if (!checked.ok) throw new Error('the example is not valid');
    const story = await drill({ config: checked.config, outageS: 1800 });
    expect(judge(story).verdict).toBe('safe');
  });
});

describe('fifty-four hosts', () => {
  const many = (): Config =>
    rack({
      switches: [1, 2, 3].map((n) => ({
        id: `sw${n}`,
        driver: 'snmp',
        host: '127.0.0.1',
        budgetW: 400,
        community: { env: 'X' },
      })),
      hosts: Array.from({ length: 54 }, (_, index) => ({
        id: `n${index + 1}`,
        node: `n${index + 1}`,
        poe: `sw${1 + (index % 3)}/${1 + Math.floor(index / 3)}`,
        halt: halt(),
        powerW: 6,
      })),
      shutdown: {
        expect: { drain: 5, halt: 10 },
        stages: [
          { name: 'batch', hosts: Array.from({ length: 25 }, (_, index) => `n${index + 1}`) },
          { name: 'workers', hosts: Array.from({ length: 26 }, (_, index) => `n${index + 26}`) },
          { name: 'control-plane', hosts: ['n52', 'n53', 'n54'] },
        ],
      },
    });

  it('are all off within a minute of the first step, with port calls of a second and a half', async () => {
    const config = many();
    const story = await drill({ config, outageS: 3600, socRatio: { lfp1: 0.12 }, loadW: 450 });
    const at = (phase: string): number =>
      story.events.find(({ entry }) => entry.kind === 'phase' && entry.phase === phase)?.atS ?? Number.NaN;
    expect(story.casualties).toEqual([]);
    expect(story.darkSocRatio).toBeGreaterThan(0);
    // So little charge is left that everything begins at once.
    expect(at('dark') - at('on-battery')).toBeLessThanOrEqual(60);
    expect(allUp(story)).toBe(true);
  });
});
