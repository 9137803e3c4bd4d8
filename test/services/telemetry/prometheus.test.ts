import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../../services/shutdown/view.ts';
import { catalogue } from '../../../services/telemetry/catalogue.ts';
import { prometheusText } from '../../../services/telemetry/prometheus.ts';
import { peer } from '../../peers.ts';
import { allStale, fresh, packSample, snapshotFixture, withRack } from './snapshot-fixture.ts';

const sampleLines = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('the Prometheus exposition', () => {
  const text = prometheusText(snapshotFixture);

  it('has one HELP and one TYPE for every family, before its samples', () => {
    const named = (word: string) =>
      text
        .split('\n')
        .filter((line) => line.startsWith(`# ${word} `))
        .map((line) => line.split(' ')[2]);
    expect(new Set(named('HELP')).size).toBe(named('HELP').length);
    expect(named('TYPE')).toEqual(named('HELP'));
    for (const line of sampleLines(text)) expect(named('TYPE')).toContain(line.split(/[{ ]/)[0]);
  });

  it('writes labels and values', () => {
    const lines = sampleLines(text);
    expect(lines).toContain('holdover_pack_voltage_volts{pack="lfp1"} 52.984');
    expect(lines).toContain('holdover_poe_port_power_watts{switch="sw1",port="7"} 5.7');
    expect(lines).toContain('holdover_build_info{version="0.1.0",site="closet"} 1');
    expect(lines).toContain('holdover_schedule_feasible 1');
    expect(text.endsWith('\n')).toBe(true);
  });

  it('escapes what devices say of themselves, and leaves empty labels out', () => {
    expect(text).toContain(
      'holdover_pack_info{pack="lfp1",model="JBD-SP16S \\"100A\\"",serial="A\\\\1",firmware="3.4"} 1',
    );
    const { model: _, ...nameless } = packSample;
    const snapshot = withRack({ packs: { lfp1: fresh({ ...nameless, serial: 'two\nlines' }) } });
    expect(prometheusText(snapshot)).toContain('holdover_pack_info{pack="lfp1",serial="two\\nlines",firmware="3.4"} 1');
  });

  it('shows nothing that has gone stale', () => {
    const names = sampleLines(prometheusText(allStale())).map((line) => line.split(/[{ ]/)[0]);
    expect(names.filter((name) => /_(cell|pack|meter)_/.test(name ?? ''))).toEqual([]);
    expect(names).toContain('holdover_device_fresh');
  });

  it('has after a week of hosts and sources that come and go the series it began with', () => {
    const seriesOf = (snapshot: Snapshot) => sampleLines(prometheusText(snapshot)).map((line) => line.split(' ')[0]);
    const { coordinator } = snapshotFixture;
    const began = seriesOf(snapshotFixture);
    for (let hour = 0; hour < 7 * 24; hour += 1) {
      const hosts = coordinator.hosts.map((host) => ({ ...host, id: `${host.id}-${hour}` }));
      const moved = { ...snapshotFixture, coordinator: { ...coordinator, hosts } };
      expect(seriesOf(hour % 2 === 0 ? allStale(moved) : moved).length).toBeLessThanOrEqual(began.length);
    }
    expect(seriesOf(snapshotFixture)).toEqual(began);
  });

  it('says what the process uses', () => {
    const lines = sampleLines(
      prometheusText(snapshotFixture, {
        residentBytes: 1e8,
        cpuS: 1.5,
        startedAtS: 1.7e9,
        loopActiveS: 2,
        loopIdleS: 98,
      }),
    );
    expect(lines).toContain('process_resident_memory_bytes 100000000');
    expect(lines).toContain('process_cpu_seconds_total 1.5');
    expect(lines).toContain('process_start_time_seconds 1700000000');
    expect(lines).toContain('holdover_event_loop_active_seconds_total 2');
  });

  const promtool = peer('promtool');
  describe.skipIf(promtool.skip)(`checked by ${promtool.title}`, () => {
    it('is accepted without a remark', () => {
      const onBattery = { ...snapshotFixture.coordinator, onBatteryS: 12.4 };
      const input = prometheusText({ ...snapshotFixture, coordinator: onBattery });
      for (const { name } of catalogue) expect(input).toContain(`# TYPE ${name} `);
      expect(execFileSync(promtool.path, ['check', 'metrics'], { input, encoding: 'utf8' })).toBe('');
    });

    it('would have a remark if a name were wrong', () => {
      const input =
        '# HELP holdover_x_millivolts A wrong unit.\n# TYPE holdover_x_millivolts gauge\nholdover_x_millivolts 1\n';
      const check = () => execFileSync(promtool.path, ['check', 'metrics'], { input, stdio: 'pipe' });
      expect(check).toThrow(/millivolts/);
    });
  });
});
