import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../../services/shutdown/view.ts';
import { catalogue } from '../../../services/telemetry/catalogue.ts';
import { HomeAssistant } from '../../../services/telemetry/homeassistant.ts';
import { idText } from '../../../services/telemetry/homeassistant-entities.ts';
import { topicStates } from '../../../services/telemetry/mqtt-states.ts';
import { type DiscoveryMessage, discoveryMessage } from './homeassistant-schema.ts';
import {
  absent,
  allStale,
  fresh,
  later,
  packSample,
  rackFixture,
  snapshotFixture,
  switchSample,
  withRack,
} from './snapshot-fixture.ts';

const discovery = (commands = false, root = 'holdover'): HomeAssistant =>
  new HomeAssistant({ prefix: 'homeassistant', root, commands });

const said = (from: HomeAssistant, snapshot: Snapshot = snapshotFixture) =>
  from.messages(snapshot, topicStates(snapshot));

/** What is announced, parsed, by object; cleared ones are `undefined`. */
const announced = (
  from: HomeAssistant,
  snapshot: Snapshot = snapshotFixture,
): Map<string, DiscoveryMessage | undefined> =>
  new Map(
    said(from, snapshot).map(({ topic, payload }) => [
      topic.split('/').at(-2) ?? '',
      payload === '' ? undefined : discoveryMessage.parse(JSON.parse(payload)),
    ]),
  );

const configTopic = (object: string): string => `homeassistant/device/holdover/${object}/config`;
const keysOf = (message: DiscoveryMessage | undefined): string[] => Object.keys(message?.components ?? {});

describe('discovery messages', () => {
  const all = announced(discovery(true));

  it('are what Home Assistant documents, each small enough for any broker', () => {
    for (const { topic, payload } of said(discovery(true))) {
      expect(discoveryMessage.safeParse(JSON.parse(payload)).error, topic).toBeUndefined();
      expect(topic).toMatch(/^homeassistant\/device\/[A-Za-z0-9_-]+\/[A-Za-z0-9_-]+\/config$/);
      // The biggest is a pack of sixteen cells; a switch does not grow with its ports.
      expect(payload.length, topic).toBeLessThan(16 * 1024);
    }
  });

  it('show every row that has words for it, once', () => {
    const rows = new Set([...all.values()].flatMap((message) => keysOf(message).map((key) => key.split('_')[0])));
    const silent = catalogue
      .filter(({ homeAssistant, id }) => homeAssistant !== undefined && !rows.has(id))
      .map(({ read, id }) => [id, read(snapshotFixture).length]);
    // What has no value in this rack cannot be announced; everything else is.
    expect(silent.filter(([, points]) => points !== 0)).toEqual([]);
    const ids = [...all.values()].flatMap((message) =>
      Object.values(message?.components ?? {}).map((component) =>
        'unique_id' in component ? component.unique_id : '',
      ),
    );
    expect(ids.length).toBeGreaterThan(300);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('have devices for packs, bank, meters, switches, hosts, circuit, mains, schedule and the service', () => {
    const names = new Set([...all.values()].map((message) => message?.device.name));
    for (const name of ['Pack lfp1', 'Battery bank', 'Meter sdm1', 'Switch sw1', 'pi7', 'Branch circuit', 'Mains'])
      expect(names).toContain(name);
    expect(names).toContain('Shutdown schedule');
    expect(names).toContain('Holdover closet');
    expect(all.get('switch_sw1_7')?.device).toEqual(all.get('switch_sw1')?.device);
  });

  it('fit the Energy board', () => {
    const pack = all.get('pack_lfp1')?.components ?? {};
    expect(pack['pack-energy-charged-joules-total']).toMatchObject({
      device_class: 'energy',
      state_class: 'total_increasing',
      unit_of_measurement: 'kWh',
    });
    expect(pack['pack-soc-ratio']).toMatchObject({ device_class: 'battery', state_class: 'measurement' });
    expect(all.get('meter_sdm1')?.components['meter-energy-imported-joules-total']).toMatchObject({
      state_class: 'total_increasing',
    });
  });

  it('are unavailable with the service and with the device, and sampled values expire', () => {
    const pack = all.get('pack_lfp1');
    expect(pack?.availability_mode).toBe('all');
    expect(pack?.availability.map(({ topic }) => topic)).toEqual([
      'holdover/status',
      'holdover/pack/lfp1/availability',
    ]);
    expect(Object.values(pack?.components ?? {}).every((one) => 'expire_after' in one)).toBe(true);
    // What is only published when it changes must not expire.
    for (const object of ['host_pi7', 'schedule_main', 'mains_main'])
      expect(Object.values(all.get(object)?.components ?? {}).some((one) => 'expire_after' in one)).toBe(false);
  });

  it('do not name ports as something to switch', () => {
    const port = Object.values(all.get('switch_sw1_7')?.components ?? {});
    expect(port.map(({ platform }) => platform)).not.toContain('switch');
    expect(port.some((one) => 'command_topic' in one)).toBe(false);
  });

  it('have buttons only when orders are taken', () => {
    const buttons = (from: ReturnType<typeof announced>) =>
      [...from.values()].flatMap((message) =>
        Object.values(message?.components ?? {}).filter(({ platform }) => platform === 'button'),
      );
    expect(buttons(all).map((button) => 'command_topic' in button && button.command_topic)).toEqual([
      'holdover/coordinator/main/set/begin',
      'holdover/coordinator/main/set/hold',
      'holdover/coordinator/main/set/abort',
    ]);
    expect(buttons(announced(discovery(false)))).toEqual([]);
  });

  it('look for every value where the state has it', () => {
    const states = new Map(
      topicStates(snapshotFixture).map(({ kind, id, body }) => [`holdover/${kind}/${id}/state`, body]),
    );
    let looked = 0;
    for (const message of all.values()) {
      for (const [key, component] of Object.entries(message?.components ?? {})) {
        if (!('value_template' in component)) continue;
        const steps = [...component.value_template.matchAll(/\.get\('((?:[^'\\]|\\.)*)'|\[(\d+):\d+\]/g)];
        let found: unknown = states.get(message?.state_topic ?? '');
        for (const [, name, position] of steps)
          found = (found as Record<string, unknown> | undefined)?.[name?.replace(/\\(.)/g, '$1') ?? position ?? ''];
        expect(found, `${message?.state_topic} ${key}`).toBeDefined();
        looked += 1;
      }
    }
    expect(looked).toBeGreaterThan(300);
  });

  it('quote what devices are called, and give it an id of allowed characters only', () => {
    const port = "a'b\\c{{7}}/é";
    const odd = { ...switchSample, ports: [{ port, enabled: true, state: 'delivering' as const, powerW: 3 }] };
    const messages = announced(discovery(), withRack({ switches: { sw1: fresh(odd) } }));
    const component = messages.get(`switch_sw1_${idText(port)}`)?.components[`poe-port-power-watts_${idText(port)}`];
    expect(component).toMatchObject({ value_template: expect.stringContaining(".get('a\\'b\\\\c{{7}}/é', {})") });
  });

  it.each([
    ['2.7', '2_2e7'],
    ['ether5', 'ether5'],
    ['a_b', 'a_5fb'],
    ['a.b', 'a_2eb'],
  ])('make of %s the id %s', (name, expected) => {
    expect(idText(name)).toBe(expected);
  });
});

describe('what comes and goes', () => {
  it('is announced once it has a value, and stays when it has none for a while', () => {
    const from = discovery();
    const first = announced(from, withRack({ packs: { lfp1: absent() } }));
    expect(first.has('pack_lfp1')).toBe(false);
    const second = announced(from, snapshotFixture);
    expect(keysOf(second.get('pack_lfp1'))).toContain('pack-voltage-volts');
    const third = announced(from, allStale());
    expect(keysOf(third.get('pack_lfp1'))).toEqual(keysOf(second.get('pack_lfp1')));
  });

  it('costs nothing while nothing changes, and is looked at again after a minute', () => {
    const from = discovery();
    expect(said(from).length).toBeGreaterThan(40);
    expect(said(from, later(1))).toEqual([]);
    expect(said(from, later(59))).toEqual([]);
    expect(said(from, later(61)).length).toBeGreaterThan(40);
  });

  it('has the same ids in every life and under every name of the site', () => {
    const renamed = announced(discovery(true), { ...snapshotFixture, site: 'attic' });
    const before = announced(discovery(true));
    expect([...renamed.keys()]).toEqual([...before.keys()]);
    expect(renamed.get('pack_lfp1')).toEqual(before.get('pack_lfp1'));
  });

  it('clears a device that leaves while we run', () => {
    const from = discovery();
    said(from);
    const hosts = snapshotFixture.coordinator.hosts.filter(({ id }) => id !== 'pi20');
    const without = { ...snapshotFixture, coordinator: { ...snapshotFixture.coordinator, hosts } };
    const messages = announced(from, without);
    expect(messages.has('host_pi20')).toBe(true);
    expect(messages.get('host_pi20')).toBeUndefined();
  });
});

describe('what an earlier life has announced', () => {
  const retained = (object: string): string => {
    const found = said(discovery(true)).find(({ topic }) => topic === configTopic(object));
    if (found === undefined) throw new Error(`nothing announced as ${object}`);
    return found.payload;
  };

  it('is cleared when the device is gone from the configuration', () => {
    const from = discovery();
    const other = retained('host_pi7').replaceAll('pi7', 'pi99');
    from.onRetained(configTopic('host_pi99'), other);
    from.onRetained(configTopic('host_pi7'), retained('host_pi7'));
    from.onRetained(configTopic('junk'), '{"nonsense":');
    const messages = announced(from);
    const cleared = [...messages].filter(([, message]) => message === undefined).map(([object]) => object);
    expect(cleared.toSorted()).toEqual(['host_pi99', 'junk']);
    expect(messages.get('host_pi7')).toBeDefined();
  });

  it('is left alone while its device has not answered yet', () => {
    const from = discovery();
    from.onRetained(configTopic('pack_lfp1'), retained('pack_lfp1'));
    const before = announced(from, withRack({ packs: { lfp1: absent() } }));
    expect(before.has('pack_lfp1')).toBe(false);
    expect(announced(from).get('pack_lfp1')).toBeDefined();
  });

  it('is taken back entity by entity, first by its platform alone and then not at all', () => {
    const { timeToEmptyS: _, ...charging } = packSample;
    const now = withRack({
      packs: { lfp1: fresh({ ...charging, cellsV: packSample.cellsV?.slice(0, 8) ?? [] }) },
    });
    const from = discovery();
    const old = JSON.parse(retained('pack_lfp1')) as { components: Record<string, object> };
    old.components['a-row-of-old'] = { platform: 'sensor', unique_id: 'x', name: 'Old' };
    from.onRetained(configTopic('pack_lfp1'), JSON.stringify(old));
    const components = announced(from, now).get('pack_lfp1')?.components ?? {};
    // The cells that are no more, and the row that is no more …
    expect(components['cell-voltage-volts_9']).toEqual({ platform: 'sensor' });
    expect(components['a-row-of-old']).toEqual({ platform: 'sensor' });
    // … but not what is only silent while the pack charges.
    expect(components['pack-runtime-seconds']).toMatchObject({ name: 'Time to empty' });
    const after = keysOf(
      announced(from, { ...now, rack: { ...now.rack, monoMs: now.rack.monoMs + 61_000 } }).get('pack_lfp1'),
    );
    expect(after).not.toContain('cell-voltage-volts_9');
    expect(after).not.toContain('a-row-of-old');
    expect(after).toContain('pack-runtime-seconds');
  });

  it('is judged although we have announced the same device before we heard of it, and only once', () => {
    const from = discovery();
    const old = JSON.parse(retained('pack_lfp1')) as { components: Record<string, object> };
    old.components['a-row-of-old'] = { platform: 'sensor', unique_id: 'x', name: 'Old' };
    said(from);
    from.onRetained(configTopic('pack_lfp1'), JSON.stringify(old));
    expect(announced(from, later(1)).get('pack_lfp1')?.components['a-row-of-old']).toEqual({ platform: 'sensor' });
    from.onRetained(configTopic('pack_lfp1'), JSON.stringify(old));
    expect(keysOf(announced(from, later(90)).get('pack_lfp1'))).not.toContain('a-row-of-old');
  });

  it('clears ports a smaller switch does not have, and buttons when orders are no longer taken', () => {
    const from = discovery(false);
    from.onRetained(configTopic('switch_sw1_24'), retained('switch_sw1_24'));
    from.onRetained(configTopic('coordinator_main'), retained('coordinator_main'));
    const messages = announced(
      from,
      withRack({ switches: { sw1: fresh({ ...switchSample, ports: switchSample.ports.slice(0, 8) }) } }),
    );
    expect(messages.has('switch_sw1_24')).toBe(true);
    expect(messages.get('switch_sw1_24')).toBeUndefined();
    expect(messages.get('coordinator_main')?.components['order-begin']).toEqual({ platform: 'button' });
  });

  it('is not touched when it is somebody else’s', () => {
    const from = discovery();
    from.onRetained('homeassistant/device/zigbee/lamp/config', '{}');
    expect(said(from).map(({ topic }) => topic)).not.toContain('homeassistant/device/zigbee/lamp/config');
  });
});

it('does not grow over a week in which hosts come and go', () => {
  const from = discovery();
  const counts = new Set<number>();
  for (let minute = 0; minute < 7 * 24 * 60; minute += 7) {
    const away = minute % 3;
    const hosts = snapshotFixture.coordinator.hosts.slice(away);
    const moved = { ...rackFixture, monoMs: rackFixture.monoMs + minute * 60_000 };
    const snapshot = { ...snapshotFixture, rack: moved, coordinator: { ...snapshotFixture.coordinator, hosts } };
    const live = said(from, snapshot).filter(({ payload }) => payload !== '');
    if (live.length > 0) counts.add(live.length + away);
  }
  expect([...counts]).toHaveLength(1);
});
