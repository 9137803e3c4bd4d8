import { afterEach, describe, expect, it } from 'vitest';
import { expectEverythingAsBefore } from './expectations.ts';
import { Stage, type StageOptions, until } from './stage.ts';

/** Cables pulled, switches that lie, an API that hangs: alarms, nothing lost, nothing cut that should not be. */

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

async function open(fast = 12, configure?: StageOptions['configure']): Promise<Stage> {
  stage = new Stage({ fast, rackArgs: ['--bms', 'tcp'], ...(configure === undefined ? {} : { configure }) });
  await stage.open();
  await stage.settled();
  return stage;
}

const alarm = (it: Stage, code: string): Promise<unknown> =>
  until(`alarm ${code}`, async () => (await it.rack()).alarms.find((each) => each.code === code));

/** World time passes. */
async function pass(it: Stage, seconds: number): Promise<void> {
  const { timeS } = await it.world();
  await until(`${seconds} s pass`, async () => ((await it.world()).timeS >= timeS + seconds ? true : undefined));
}

describe('accidents', () => {
  it('raises an alarm and does nothing when the BMS is unplugged on mains', async () => {
    const it = await open();
    await it.unplug('bms');
    await alarm(it, 'pack-stale');
    await pass(it, 60);
    const { phase, hosts } = await it.hosts();
    expect(phase).toBe('mains');
    expect(hosts.every((host) => host.phase === 'up')).toBe(true);
    expect(await it.journal()).toEqual([]);
    await it.replug('bms');
    await until('the pack is back', async () => ((await it.rack()).bank.freshness === 'fresh' ? true : undefined));
  });

  it('still shuts down in time when the BMS is unplugged on battery', { timeout: 600_000 }, async () => {
    // Slower than the others: the first stage must not be due before the figures are too old.
    const it = await open(6);
    const before = await it.world();
    await it.mains(false);
    await it.phase('on-battery');
    await it.unplug('bms');
    // Not at the first missed poll: it goes on by what it last knew.
    await alarm(it, 'pack-stale');
    expect((await it.hosts()).phase).toBe('on-battery');
    await it.phase('dark');
    const dark = await it.world();
    expect(dark.violations).toEqual([]);
    expect(dark.pack.socRatio).toBeGreaterThan(0.1);
    await it.replug('bms');
    await it.mains(true);
    await it.phase('mains');
    await expectEverythingAsBefore(it, before);
  });

  it('says so when the switch accepts and does not obey, and restores when it does again', {
    timeout: 600_000,
  }, async () => {
    const it = await open();
    const before = await it.world();
    await it.fault('switchDisobeys', true);
    await it.mains(false);
    const trouble = await until('trouble is reported', async () =>
      (await it.hosts()).hosts.find((host) => host.trouble?.includes('could not be cut')),
    );
    expect(trouble.phase).toBe('halted');
    await it.fault('switchDisobeys', false);
    await it.phase('dark');
    await it.mains(true);
    await it.phase('mains');
    await expectEverythingAsBefore(it, before);
  });

  it('goes straight to the hosts when the API server hangs', { timeout: 600_000 }, async () => {
    const it = await open();
    const before = await it.world();
    await it.fault('silent', ['api']);
    await it.mains(false);
    await it.phase('dark');
    expect((await it.world()).violations).toEqual([]);
    await it.fault('silent', false);
    await it.mains(true);
    await it.phase('mains');
    await expectEverythingAsBefore(it, before);
  });

  it('cuts a hung host at its deadline, says so, and brings it back', { timeout: 600_000 }, async () => {
    const it = await open(12, (config) => {
      for (const host of config.hosts as Record<string, unknown>[]) if (host.id === 'pi12') host.haltTimeout = '2m';
    });
    await it.fault('haltIgnored', ['pi12']);
    await it.mains(false);
    await it.phase('dark');
    const { hosts } = await it.hosts();
    expect(hosts.filter(({ forced }) => forced).map(({ id }) => id)).toEqual(['pi12']);
    const { violations } = await it.world();
    expect(violations.map(({ detail }) => detail).join()).toContain('pi12');
    expect(violations).toHaveLength(1);
    await it.fault('haltIgnored', false);
    await it.mains(true);
    await it.phase('mains');
    expect((await it.world()).hosts.filter(({ state }) => state !== 'running')).toEqual([]);
  });

  it('turns round when mains returns in the middle of a drain', { timeout: 600_000 }, async () => {
    // Slower than the others: mains has to be back before the next stages are due.
    const it = await open(4);
    const before = await it.world();
    await it.mains(false);
    await until('hosts are being drained', async () =>
      (await it.hosts()).hosts.some(({ phase }) => phase === 'cordoned') ? true : undefined,
    );
    await it.mains(true);
    await it.phase('restoring');
    await it.phase('mains');
    await expectEverythingAsBefore(it, before);
    // The control plane was never asked to go.
    const events = await it.events();
    expect(events.filter(({ kind, subject }) => kind === 'host' && ['pi1', 'pi2', 'pi3'].includes(subject))).toEqual(
      [],
    );
  });
});
