import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { peer } from '../peers.ts';
import { freePort } from '../ports.ts';
import { expectEverythingAsBefore } from './expectations.ts';
import { Stage, until, type WorldEvent, type WorldState } from './stage.ts';

/** The whole story from outside: real processes, real wires, foreign clients looking on. */

const run = promisify(execFile);
const sub = peer('mosquitto_sub');
const snmpwalk = peer('snmpwalk');
const kubectl = peer('kubectl');
const promtool = peer('promtool');

const ADMIN_ENABLE = '1.3.6.1.2.1.105.1.1.1.3.1';

let stage: Stage;
let before: WorldState;
let mqttPort = 0;
/** What foreign clients saw: retained MQTT states while it went on, and single looks at telling moments. */
const heard: { topic: string; payload: string }[] = [];
const looks: Record<string, string> = {};
let listener: ReturnType<typeof spawn> | undefined;

beforeAll(async () => {
  mqttPort = await freePort();
  stage = new Stage({
    fast: 10,
    configure: (config) => {
      config.mqtt = { embedded: { port: mqttPort } };
      // The first stage goes early, so that evicted pods have somewhere to go and budgets must be kept.
      const { stages } = config.shutdown as { stages: Record<string, unknown>[] };
      for (const each of stages)
        if (each.name === 'batch') Object.assign(each, { after: '20s', drainTimeout: '120s', pdbGrace: '120s' });
    },
  });
  await stage.open();
  if (!sub.skip) listen();
  await stage.settled();
  before = await stage.world();
  looks.metrics = await (await fetch(`${stage.address}/metrics`)).text();
  await stage.mains(false);
  await stage.phase('shutting-down');
  await until('a node is cordoned', async () =>
    (await stage.world()).cluster.nodes.some(({ unschedulable }) => unschedulable) ? true : undefined,
  );
  if (!kubectl.skip) looks.nodes = await kube('get', 'nodes', '--no-headers');
  await stage.phase('dark');
  if (!snmpwalk.skip) looks.portsDark = await walk();
  looks.metricsDark = await (await fetch(`${stage.address}/metrics`)).text();
  await stage.mains(true);
  await stage.phase('mains');
  if (!snmpwalk.skip) looks.portsAfter = await walk();
  if (!kubectl.skip) looks.nodesAfter = await kube('get', 'nodes', '--no-headers');
}, 600_000);

afterAll(async () => {
  listener?.kill();
  await stage.close();
});

function listen(): void {
  const args = ['-h', '127.0.0.1', '-p', String(mqttPort), '-t', 'holdover/#', '-F', '%t\t%p'];
  const child = spawn(sub.path, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  listener = child;
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [topic = '', payload = ''] = line.split('\t');
      heard.push({ topic, payload });
    }
  });
}

async function kube(...args: string[]): Promise<string> {
  const kubeconfig = join(stage.dir, 'kubeconfig');
  const { stdout } = await run(kubectl.path, ['--kubeconfig', kubeconfig, ...args], { timeout: 60_000 });
  return stdout;
}

async function walk(): Promise<string> {
  const [poe] = (parse(readFileSync(stage.configPath, 'utf8')) as { switches: { port: number }[] }).switches;
  const community = readFileSync(join(stage.dir, 'snmp-community'), 'utf8').trim();
  const args = ['-v2c', '-c', community, '-On', '-Oq', '-t', '5', `127.0.0.1:${poe?.port}`, ADMIN_ENABLE];
  return (await run(snmpwalk.path, args)).stdout;
}

const indexOf = (events: readonly WorldEvent[], match: (event: WorldEvent) => boolean): number =>
  events.findIndex(match);

describe('an outage from outside', () => {
  it('ends with everything as it was', () => expectEverythingAsBefore(stage, before));

  it('takes every staged host down in order: cordoned, drained, halted, and only then cut', async () => {
    const events = await stage.events();
    const { hosts } = await stage.hosts();
    const staged = hosts.filter((host) => host.stage !== undefined);
    expect(staged).toHaveLength(22);
    for (const host of staged) {
      const cordoned = indexOf(events, (e) => e.kind === 'node' && e.subject === host.id && e.detail === 'cordoned');
      const evicted = indexOf(events, (e) => e.kind === 'pod' && e.detail === `evicted on ${host.id}`);
      const halting = indexOf(
        events,
        (e) => e.kind === 'host' && e.subject === host.id && e.detail.endsWith('→ halting'),
      );
      const halted = indexOf(
        events,
        (e) => e.kind === 'host' && e.subject === host.id && e.detail.endsWith('→ halted'),
      );
      const off = indexOf(events, (e) => e.kind === 'host' && e.subject === host.id && e.detail.endsWith('→ off'));
      expect(halting, host.id).toBeGreaterThan(-1);
      expect(halted, host.id).toBeGreaterThan(halting);
      if (host.node !== undefined) {
        expect(cordoned, host.id).toBeGreaterThan(-1);
        expect(cordoned, host.id).toBeLessThan(halting);
        if (evicted >= 0) expect(evicted, host.id).toBeGreaterThan(cordoned);
        if (evicted >= 0) expect(evicted, host.id).toBeLessThan(halting);
      }
      if (host.port !== undefined) expect(off, host.id).toBeGreaterThan(halted);
    }
  });

  it('takes stages down in order, the control plane last', async () => {
    const events = await stage.events();
    const { hosts } = await stage.hosts();
    const haltsOf = (name: string): number[] =>
      hosts
        .filter((host) => host.stage === name)
        .map((host) =>
          indexOf(events, (e) => e.kind === 'host' && e.subject === host.id && e.detail.endsWith('→ halting')),
        );
    expect(Math.max(...haltsOf('batch'))).toBeLessThan(Math.min(...haltsOf('workers')));
    expect(Math.max(...haltsOf('workers'))).toBeLessThan(Math.min(...haltsOf('control-plane')));
  });

  it('lets no pod die with its node that could have been evicted', async () => {
    const events = await stage.events();
    const died = events.filter((e) => e.kind === 'pod' && e.detail.startsWith('killed with its node'));
    expect(died.filter(({ subject }) => /^(apps|batch)\//.test(subject))).toEqual([]);
  });

  it('respects disruption budgets while pods have somewhere to go', async () => {
    const events = await stage.events();
    const workers = indexOf(events, (e) => e.kind === 'node' && e.subject === 'pi4' && e.detail === 'cordoned');
    const whilePartial = events.slice(0, workers);
    expect(whilePartial.some((e) => e.kind === 'pod' && e.detail.startsWith('evicted'))).toBe(true);
    // Nobody was deleted over a budget's head as long as the rest of the cluster was there to take the pods.
    expect(whilePartial.filter((e) => e.kind === 'pod' && e.detail.startsWith('deleted'))).toEqual([]);
  });

  it('keeps the router and the management node alone', async () => {
    const events = await stage.events();
    expect(events.filter(({ kind, subject }) => kind === 'host' && ['router', 'nuc1'].includes(subject))).toEqual([]);
    expect(events.filter(({ kind, subject }) => kind === 'port' && subject === '24')).toEqual([]);
  });

  it('explains every phase of every host in its journal', async () => {
    const journal = await stage.journal();
    const phases = journal.flatMap(({ entry }) => (entry.kind === 'phase' ? [entry.phase] : []));
    expect(phases).toEqual(['on-battery', 'shutting-down', 'dark', 'restoring', 'mains']);
    const intents = journal.flatMap(({ entry }) => (entry.kind === 'intent' ? [entry.effect] : []));
    const cut = new Set(
      intents.flatMap((effect) => (effect.kind === 'cut' ? effect.targets.map(({ host }) => host) : [])),
    );
    expect(cut.size).toBe(20);
    expect(journal.filter(({ entry }) => entry.kind === 'host' && entry.change.forced === true)).toEqual([]);
  });

  it.skipIf(kubectl.skip)(`${kubectl.title} sees the nodes cordoned, and schedulable again afterwards`, () => {
    expect(looks.nodes).toMatch(/^pi\d+\s+Ready,SchedulingDisabled/m);
    expect(looks.nodesAfter?.trim().split('\n')).toHaveLength(20);
    expect(looks.nodesAfter).not.toContain('SchedulingDisabled');
  });

  it.skipIf(snmpwalk.skip)(
    `${snmpwalk.title} sees the ports off in the dark, the uplink on, and all on afterwards`,
    () => {
      const states = (text: string | undefined): string[] =>
        (text ?? '')
          .trim()
          .split('\n')
          .map((line) => line.split(' ').at(-1) ?? '');
      expect(states(looks.portsDark)).toEqual([
        ...Array.from({ length: 20 }, () => '2'),
        ...Array.from({ length: 4 }, () => '1'),
      ]);
      expect(states(looks.portsAfter)).toEqual(Array.from({ length: 24 }, () => '1'));
    },
  );

  it.skipIf(sub.skip)(`${sub.title} hears birth, states and the phases over MQTT`, () => {
    expect(heard).toContainEqual({ topic: 'holdover/status', payload: 'online' });
    const phases = heard
      .filter(({ topic }) => /coordinator/.test(topic))
      .map(({ payload }) => /"phase":"([a-z-]+)"/.exec(payload)?.[1]);
    for (const phase of ['on-battery', 'shutting-down', 'dark', 'restoring', 'mains']) expect(phases).toContain(phase);
    const pack = heard.find(({ topic }) => topic === 'holdover/pack/lfp1/state');
    expect(JSON.parse(pack?.payload ?? '{}')).toHaveProperty('ts');
  });

  it.skipIf(promtool.skip)(`${promtool.title} accepts the metrics`, async () => {
    for (const text of [looks.metrics, looks.metricsDark]) {
      const child = spawn(promtool.path, ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      child.stdin.end(text);
      expect(await ended, said).toBe(0);
      expect(said).toBe('');
    }
  });
});
