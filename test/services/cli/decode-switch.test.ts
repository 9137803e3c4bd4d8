import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSwitchLine, switchDecoders } from '../../../services/cli/decode-switch.ts';

/** What switches said, decoded at the bench: every published answer of the fixtures, and whatever else may be on a line. */

type Case = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly expect: Readonly<Record<string, unknown>>;
};
const casesOf = (file: string): readonly Case[] =>
  JSON.parse(readFileSync(new URL(`../../fixtures/poe/${file}.json`, import.meta.url), 'utf8')).cases;
const decoded = (driver: string, line: unknown) => JSON.parse(decodeSwitchLine(driver, JSON.stringify(line)));
const find = (file: string, id: string): Case => {
  const found = casesOf(file).find((each) => each.id === id);
  if (found === undefined) throw new Error(`no case ${id}`);
  return found;
};

describe('holdover decode of a switch', () => {
  it('mikrotik, openwrt, unifi, unifi-api, netgear-plus: the published answers', () => {
    expect(decoded('mikrotik', find('poe-mikrotik-openwrt', 'ros-monitor-strings'))).toMatchObject({
      drawnW: 5.5,
      ports: [{ port: 'ether3', state: 'delivering', enabled: true, powerW: 5.5, voltageV: 53.4, currentA: 0.104 }],
    });
    expect(decoded('openwrt', find('poe-mikrotik-openwrt', 'ubus-info-newer'))).toMatchObject({
      budgetW: 170,
      ports: [{ port: 'lan8', powerW: 5, currentA: 0.093 }],
    });
    const unifi = find('poe-unifi', 'us16p150-device');
    expect(decoded('unifi', unifi)).toMatchObject({ budgetW: unifi.expect.budget_W });
    expect(decoded('unifi-api', find('poe-unifi', 'v1-device-details')).ports).toHaveLength(3);
    expect(decoded('netgear-plus', find('poe-netgear', 'gs305ep-status'))).toMatchObject({ drawnW: 4.4 });
    expect(decoded('tps23861', find('poe-i2c', 'tps-p1-54V-120mA')).channels[0]).toMatchObject({ powerW: 6.48013 });
    expect(decoded('tps23861', find('poe-i2c', 'tps-p4-250mohm')).channels[3].currentA).toBeCloseTo(0.11998, 4);
    expect(decoded('pd690xx', find('poe-i2c', 'pd690xx-port-power')).channels[1]).toMatchObject({ powerW: 3 });
  });

  it.each([
    ['unifi', 'poe-unifi', 'device-offline', 'restarting'],
    ['netgear-plus', 'poe-netgear', 'login-required-page', 'login_required'],
    ['netgear-plus', 'poe-netgear', 'empty-page', 'login_required'],
    ['tps23861', 'poe-i2c', 'nack', 'absent'],
    ['tps23861', 'poe-i2c', 'all-ff', 'implausible'],
    ['poe-serial', 'poe-serial', 'corrupt-one-bit', 'checksum'],
    ['poe-serial', 'poe-serial', 'corrupt-swapped-bytes', 'implausible'],
    ['poe-serial', 'poe-serial', 'truncated', 'incomplete'],
    ['poe-serial', 'poe-serial', 'garbage-21', 'checksum'],
    ['poe-serial', 'poe-serial', 'reject-checksum', 'request_checksum'],
    ['poe-serial', 'poe-serial', 'not-ready', 'not_ready'],
    ['poe-serial', 'poe-serial', 'build-port3-off', 'unknown_command'],
  ])('%s refuses %s %s with %s', (driver, file, id, code) => {
    expect(decoded(driver, find(file, id))).toMatchObject({ error: { code, message: expect.any(String) } });
  });

  it('poe-serial: every captured answer says what the fixture says', () => {
    const names: Readonly<Record<string, string>> = {
      consumption_W: 'drawnW',
      usable_budget_W: 'usableW',
      budget_W: 'budgetW',
      guard_W: 'guardW',
      voltage_V: 'voltageV',
      current_A: 'currentA',
      temperature_C: 'temperatureC',
      power_W: 'powerW',
      port: 'port',
      type: 'type',
      seq: 'sequence',
    };
    let seen = 0;
    for (const given of casesOf('poe-serial')) {
      const { type } = given.expect;
      if (
        !['port_power', 'power_stats', 'power_mgmt', 'port_ext_config'].includes(String(type)) ||
        /^(corrupt|reply-wrong)/.test(given.id)
      )
        continue;
      const said = decoded('poe-serial', given);
      for (const [name, value] of Object.entries(given.expect)) {
        const ours = names[name];
        if (ours === undefined) continue;
        if (typeof value === 'number') expect(said[ours]).toBeCloseTo(value, 2);
        else expect(said[ours]).toBe(value);
      }
      seen += 1;
    }
    expect(seen).toBeGreaterThanOrEqual(9);
    expect(decoded('poe-serial', find('poe-serial', 'desync-stray-byte'))).toMatchObject({
      type: 'port_power',
      port: 7,
    });
    expect(decoded('poe-serial', find('poe-serial', 'short-status-4-7')).ports).toHaveLength(4);
  });

  it('answers every line with a line, and never claims what no switch can have said', () => {
    const value = fc.oneof(
      fc.anything(),
      fc.record({ ports: fc.anything(), data: fc.anything(), meta: fc.anything() }),
    );
    const line = fc.record(
      {
        input: value,
        html: fc.string(),
        frame: fc.oneof(
          fc.string(),
          fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('hex')),
        ),
        registers: fc.anything(),
        registers16: fc.anything(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...switchDecoders()),
        fc.oneof(
          fc.string(),
          line.map((each) => JSON.stringify(each) ?? ''),
        ),
        (driver, text) => {
          const said = JSON.parse(decodeSwitchLine(driver, text));
          expect(said.error === undefined || typeof said.error.code === 'string').toBe(true);
          for (const { powerW = 0 } of said.ports ?? []) expect(powerW >= 0 && powerW <= 100).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
