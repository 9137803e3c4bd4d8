import { execFileSync, spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import type { MqttConfig } from '../../../services/config/mqtt.ts';
import type { Command } from '../../../services/shutdown/state.ts';
import type { Snapshot } from '../../../services/shutdown/view.ts';
import { type MqttSink, mqttSink } from '../../../services/telemetry/mqtt.ts';
import { peer } from '../../peers.ts';
import { discoveryMessage } from './homeassistant-schema.ts';
import {
  asHoldover,
  mosquitto,
  mosquittoPasswd,
  mosquittoSub,
  passwordBroker,
  payloads,
  subscribe,
} from './mosquitto.ts';
import { until, Workshop } from './peers.ts';
import { snapshotFixture, testFeed, testLog } from './snapshot-fixture.ts';

const workshop = new Workshop();
const sinks: MqttSink[] = [];
const mosquittoPub = peer('mosquitto_pub');

afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.stop();
  await workshop.clean();
});

const CONFIG_PI20 = 'homeassistant/device/holdover/host_pi20/config';
const everything = ['topic readwrite holdover/#', 'topic readwrite homeassistant/#'];

async function started(port: number, more: Partial<MqttConfig>, snapshot: Snapshot = snapshotFixture) {
  const log = testLog();
  const asked: [Command, string][] = [];
  const config = { url: `mqtt://127.0.0.1:${port}`, user: 'holdover', topic: 'holdover', ...more } as MqttConfig;
  const desk = {
    command: async (command: Command, author: string) => {
      asked.push([command, author]);
      return {
        accepted: command.kind !== 'abort',
        because: command.kind === 'abort' ? 'nothing to abort' : 'so be it',
      };
    },
  };
  const sink = mqttSink(config, { password: 'right' }, log, { desk });
  sinks.push(sink);
  const feed = testFeed(snapshot);
  await sink.start(feed);
  await until('it is up', () => sink.health().up);
  return { sink, log, asked, feed };
}

const publish = (port: number, topic: string, payload: string, ...more: readonly string[]): void => {
  const to = ['-h', '127.0.0.1', '-p', String(port), ...asHoldover, '-t', topic, '-q', '1', ...more];
  execFileSync(mosquittoPub.path, payload === '' ? [...to, '-n'] : [...to, '-m', payload], { stdio: 'ignore' });
};

const withoutHost = (id: string): Snapshot => ({
  ...snapshotFixture,
  coordinator: {
    ...snapshotFixture.coordinator,
    hosts: snapshotFixture.coordinator.hosts.filter((host) => host.id !== id),
  },
});

const missing = mosquitto.skip || mosquittoSub.skip || mosquittoPasswd.skip || mosquittoPub.skip;

describe.skipIf(missing)(`Home Assistant through ${mosquitto.title}`, () => {
  it('finds every device announced and retained, with states where the messages say', async () => {
    const broker = await passwordBroker(workshop, everything);
    await broker.start();
    const { sink } = await started(broker.port, { homeAssistant: true });
    await until('all is sent', () => sink.health().sent >= 57 + 52);
    const late = subscribe(workshop, broker.port, '#', ...asHoldover, '-q', '1');
    const pack = await until(
      'the pack is announced',
      () => payloads(late, 'homeassistant/device/holdover/pack_lfp1/config')[0],
    );
    const { state_topic: state, availability } = discoveryMessage.parse(JSON.parse(pack));
    await until('its state is there', () => payloads(late, state).length > 0);
    for (const { topic } of availability)
      await until(`${topic} is online`, () => payloads(late, topic).includes('online'));
    expect(sink.health().dropped).toBe(0);
  });

  it('gets everything once more when it says that it has started', async () => {
    const broker = await passwordBroker(workshop, everything);
    await broker.start();
    const { sink } = await started(broker.port, { homeAssistant: { prefix: 'homeassistant' } });
    await until('all is sent', () => sink.health().sent >= 57 + 52);
    const watcher = subscribe(workshop, broker.port, '#', ...asHoldover, '-q', '1', '-R');
    publish(broker.port, 'homeassistant/marker', 'x');
    await until('it listens', () => {
      publish(broker.port, 'homeassistant/marker', 'x');
      return payloads(watcher, 'homeassistant/marker').length > 0;
    });
    publish(broker.port, 'homeassistant/status', 'offline');
    publish(broker.port, 'homeassistant/status', 'online');
    await until('announced again', () => payloads(watcher, CONFIG_PI20).length > 0);
    await until('told again', () => payloads(watcher, 'holdover/mains/main/state').length > 0);
    expect(payloads(watcher, CONFIG_PI20)).toHaveLength(1);
  });

  it('loses a device that has left the configuration, and its retained states', async () => {
    const broker = await passwordBroker(workshop, everything);
    await broker.start();
    const first = await started(broker.port, { homeAssistant: true });
    await until('all is sent', () => first.sink.health().sent >= 57 + 52);
    await first.sink.stop();

    await started(broker.port, { homeAssistant: true }, withoutHost('pi20'));
    const topics = await until('nothing of it is left', () => {
      const left = retainedTopics(broker.port);
      return left.includes('holdover/host/pi19/state') && !left.some((topic) => topic.includes('pi20')) && left;
    });
    expect(topics).toContain('homeassistant/device/holdover/host_pi19/config');
    expect(topics).toContain('holdover/pack/lfp1/availability');
  });

  it('is told what it may not read or write, and the rest goes on', async () => {
    const broker = await passwordBroker(workshop, ['topic readwrite holdover/#']);
    await broker.start();
    const { sink, log } = await started(broker.port, { homeAssistant: true });
    await until('all was answered', () => sink.health().sent >= 57 && sink.health().dropped >= 52);
    expect(log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      expect.stringContaining('ACL'),
    ]);
  });
});

function retainedTopics(port: number): string[] {
  const from = ['-h', '127.0.0.1', '-p', String(port), ...asHoldover, '-t', '#'];
  const { stdout } = spawnSync(mosquittoSub.path, [...from, '-F', '%t', '--retained-only', '-W', '1'], {
    encoding: 'utf8',
  });
  return stdout.split('\n');
}

describe.skipIf(missing)(`orders through ${mosquitto.title}`, () => {
  const HOLD = 'holdover/coordinator/main/set/hold';

  it('reach the coordinator and are answered; retained and senseless ones are refused', async () => {
    const broker = await passwordBroker(workshop, everything);
    await broker.start();
    const watcher = subscribe(workshop, broker.port, 'holdover/+/+/set/+/result', ...asHoldover, '-q', '1');
    const { asked } = await started(broker.port, { commands: true });
    const answers = () => payloads(watcher, `${HOLD}/result`).map((text) => JSON.parse(text));
    // The subscriptions of both may take a moment.
    await until('orders are heard', () => {
      publish(broker.port, 'holdover/coordinator/main/set/abort', 'PRESS');
      return payloads(watcher, 'holdover/coordinator/main/set/abort/result').length > 0;
    });
    publish(broker.port, HOLD, '{"forS":60,"id":"k"}');
    await until('it is answered', () => answers().length === 1);
    publish(broker.port, HOLD, 'rubbish');
    await until('it is refused', () => answers().length === 2);
    publish(broker.port, HOLD, '120', '-r');
    await until('the retained one is refused', () => answers().length === 3);
    expect(answers()).toMatchObject([
      { accepted: true, because: 'so be it', id: 'k' },
      { accepted: false, because: 'neither PRESS nor JSON' },
      { accepted: false, because: expect.stringContaining('retained') },
    ]);
    expect(asked.filter(([{ kind }]) => kind === 'hold')).toEqual([[{ kind: 'hold', forS: 60 }, 'mqtt']]);
    const late = subscribe(workshop, broker.port, 'holdover/#', ...asHoldover);
    await until('it has seen what is retained', () => payloads(late, 'holdover/status').length > 0);
    expect(late.output()).not.toContain('/result');
  });

  it('that were retained before we came are not carried out', async () => {
    const broker = await passwordBroker(workshop, everything);
    await broker.start();
    publish(broker.port, HOLD, '120', '-r');
    const watcher = subscribe(workshop, broker.port, `${HOLD}/result`, ...asHoldover, '-q', '1');
    const { asked } = await started(broker.port, { commands: true });
    await until('it is refused', () => payloads(watcher, `${HOLD}/result`).length > 0);
    expect(asked).toEqual([]);
  });

  it('are not even listened to unless the configuration allows them', async () => {
    const broker = await passwordBroker(workshop, everything);
    const running = await broker.start();
    const { asked, sink } = await started(broker.port, {});
    await until('all is sent', () => sink.health().sent >= 57);
    publish(broker.port, HOLD, '60');
    // What it publishes after the order has gone through tells that it would have heard it by now.
    await sink.stop();
    expect(asked).toEqual([]);
    expect(running.output()).not.toContain('/result');
  });
});
