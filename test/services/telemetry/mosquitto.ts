import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MqttClient } from 'mqtt';
import { peer } from '../../peers.ts';
import { freePort } from '../../ports.ts';
import { type Running, until, type Workshop } from './peers.ts';

export const mosquitto = peer('mosquitto');
export const mosquittoSub = peer('mosquitto_sub');
export const mosquittoPasswd = peer('mosquitto_passwd');

/** A mosquitto that only knows user `holdover`, password `right`, and lets it write what `acl` says. */
export interface Broker {
  readonly port: number;
  start(): Promise<Running>;
}

export async function passwordBroker(
  workshop: Workshop,
  acl: readonly string[],
  listener: readonly string[] = [],
): Promise<Broker> {
  const folder = workshop.folder();
  const port = await freePort();
  const [conf, passwords, rules] = ['m.conf', 'passwords', 'acl'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(passwords, '');
  execFileSync(mosquittoPasswd.path, ['-b', passwords, 'holdover', 'right'], { stdio: 'ignore' });
  writeFileSync(rules, ['user holdover', ...acl, ''].join('\n'));
  writeFileSync(
    conf,
    [
      `listener ${port} 127.0.0.1`,
      ...listener,
      'allow_anonymous false',
      `password_file ${passwords}`,
      `acl_file ${rules}`,
      'persistence false',
      'log_dest stderr',
      '',
    ].join('\n'),
  );
  // Started as root it becomes its own user, which has to read these.
  chmodSync(folder, 0o755);
  for (const file of [conf, passwords, rules]) chmodSync(file, 0o644);
  return {
    port,
    start: async () => {
      const running = workshop.run(mosquitto.path, ['-c', conf]);
      await until('mosquitto runs', () => running.output().includes('running'));
      return running;
    },
  };
}

/** What `mosquitto_sub` shows of `topic`, line by line as `topic payload`; it goes on until stopped. */
export function subscribe(workshop: Workshop, port: number, topic: string, ...more: readonly string[]): Running {
  return workshop.run(mosquittoSub.path, ['-h', '127.0.0.1', '-p', String(port), '-t', topic, '-v', ...more]);
}

export const asHoldover = ['-u', 'holdover', '-P', 'right'] as const;

/** The payloads a subscriber has seen on `topic`. */
export function payloads(subscriber: Running, topic: string): string[] {
  return subscriber
    .output()
    .split('\n')
    .filter((line) => line.startsWith(`${topic} `))
    .map((line) => line.slice(topic.length + 1));
}

/** The next message a client of the library gets. */
export const nextMessage = (client: MqttClient): Promise<{ topic: string; text: string; retain: boolean }> =>
  new Promise((resolve) => {
    client.once('message', (topic, payload, packet) => {
      resolve({ topic, text: String(payload), retain: packet.retain });
    });
  });
