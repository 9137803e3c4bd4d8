import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { peer } from '../peers.ts';
import { freePort } from '../ports.ts';
import { until, Workshop } from '../services/telemetry/peers.ts';
import { type Bench, figure, type Outcome, type Settings, spreadOf } from './bench.ts';
import { costOf, type ProcessCost } from './process-cost.ts';

const BUNDLE = fileURLToPath(new URL('../../dist/holdover.js', import.meta.url));
const RACK = fileURLToPath(new URL('./rack-process.ts', import.meta.url));
const WIDE_RACK = fileURLToPath(new URL('./wide-process.ts', import.meta.url));
/** One look at memory and at the processor's time each, s. */
const LOOK_S = 5;

/**
 * What the built service costs while nothing happens: JBD over TCP, a Modbus meter, an SNMP switch of 24 ports, 24 hosts
 * of which every address is probed, a cluster of twenty nodes, the embedded MQTT broker, the InfluxDB sink and HTTP. The
 * rack and the data base are other processes; a node process that does nothing is looked at in the same moments.
 */
export const restBench: Bench = {
  name: 'rest',
  about: 'memory and processor of the built service at rest on the demonstration’s rack, against a bare node process',
  run: (settings) => atRest(settings, RACK),
};

/** The same with 54 nodes instead of twenty, on one bigger switch; with the router and the NUCs 58 machines. */
export const restOf54Bench: Bench = {
  name: 'rest-54',
  about: 'the same with 54 nodes',
  run: (settings) => atRest(settings, RACK, ['54']),
};

/** The same with sixteen packs and four switches, all of them polled every second. */
export const wideBench: Bench = {
  name: 'wide',
  about: 'the same with 16 packs and 4 switches at 1 Hz',
  run: (settings) => atRest(settings, WIDE_RACK),
};

async function atRest(settings: Settings, rack: string, more: readonly string[] = []): ReturnType<Bench['run']> {
  const victoria = peer('victoria-metrics');
  if (victoria.skip) return { skipped: `needs ${victoria.title}` };
  if (!existsSync('/proc/self/smaps_rollup')) return { skipped: 'needs Linux: /proc tells what a process costs' };
  if (!existsSync(BUNDLE)) return { skipped: 'dist/holdover.js is not built: npm run build' };
  const workshop = new Workshop();
  const children: ChildProcess[] = [];
  try {
    return await onRack(settings, [rack, more], victoria.path, workshop, children);
  } finally {
    for (const child of children.toReversed()) await ended(child);
    await workshop.clean();
  }
}

async function onRack(
  { warmUpS, restS }: Settings,
  [rack, more]: readonly [string, readonly string[]],
  victoria: string,
  workshop: Workshop,
  children: ChildProcess[],
): Promise<Outcome> {
  const [dataPort, httpPort, mqttPort] = [await freePort(), await freePort(), await freePort()];
  const influx = `http://127.0.0.1:${dataPort}`;
  const storage = `-storageDataPath=${join(workshop.folder(), 'data')}`;
  const listen = `-httpListenAddr=127.0.0.1:${dataPort}`;
  workshop.run(victoria, [storage, listen, '-memory.allowedPercent=5', '-loggerLevel=ERROR']);
  await until('VictoriaMetrics is healthy', () => answers(`${influx}/health`));

  const sections = {
    http: { listen: `127.0.0.1:${httpPort}` },
    mqtt: { embedded: { port: mqttPort } },
    influx: { url: influx, bucket: 'bench' },
  };
  const { config } = await started(children, [rack, workshop.folder(), JSON.stringify(sections), ...more]);
  const bare = node(children, ['-e', 'setInterval(() => {}, 1000)']);
  await started(children, [BUNDLE, 'run', '--config', String(config), '--log-level', 'warn']);
  const service = children.at(-1)?.pid ?? 0;
  await until('everything answers', () => everythingAnswers(httpPort));
  await sleep(warmUpS * 1000);

  const looks: { service: ProcessCost; bare: ProcessCost; atMs: number }[] = [];
  for (let look = 0; look <= restS / LOOK_S; look += 1) {
    if (look > 0) await sleep(LOOK_S * 1000);
    looks.push({ service: costOf(service), bare: costOf(bare.pid ?? 0), atMs: performance.now() });
  }
  await everythingAnswers(httpPort).then((all) => {
    if (!all) throw new Error('the rack was not at rest: something no longer answers');
  });
  const memory = (what: string, of: (cost: ProcessCost) => number) =>
    figure(
      what,
      'MiB',
      looks.map((look) => of(look.service)),
      { what: 'a bare node process', values: looks.map((look) => of(look.bare)) },
    );
  const shares = looks.slice(1).map((look, at) => {
    const before = looks[at] ?? look;
    return (100 * 1000 * (look.service.cpuS - before.service.cpuS)) / (look.atMs - before.atMs);
  });
  return {
    figures: [
      memory('resident memory', ({ residentMiB }) => residentMiB),
      memory('private dirty memory', ({ privateDirtyMiB }) => privateDirtyMiB),
      { what: 'processor, all threads', unit: '% of a core', value: spreadOf(shares) },
    ],
    remarks: [`${restS} s after ${warmUpS} s of warm-up, a look every ${LOOK_S} s`],
  };
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    (answer) => answer.ok,
    () => false,
  );
}

interface Health {
  readonly devices: readonly { readonly up: boolean; readonly kind: string }[];
  readonly sinks: readonly { readonly up: boolean }[];
}

/** Every pack, meter, switch and cluster is fresh, and all sinks are up. Some of the rack's hosts have no address. */
async function everythingAnswers(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/rack`).catch(() => undefined);
  if (answer?.ok !== true) return false;
  const { devices, sinks } = (await answer.json()) as Health;
  return devices.every(({ up }) => up) && sinks.length >= 2 && sinks.every(({ up }) => up);
}

function node(children: ChildProcess[], args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  return child;
}

/** Starts a program and waits for the line of JSON it prints when it is ready. */
async function started(children: ChildProcess[], args: readonly string[]): Promise<Record<string, unknown>> {
  const child = node(children, args);
  const { stdout } = child;
  if (stdout === null) throw new Error('no output to wait for');
  const line = new Promise<string>((resolve, reject) => {
    createInterface({ input: stdout }).once('line', resolve);
    child.once('exit', () => reject(new Error(`${args[0]} ended before it was ready`)));
  });
  const late = sleep(60_000, undefined, { ref: false }).then(() => {
    throw new Error(`${args[0]} was not ready within a minute`);
  });
  return JSON.parse(await Promise.race([line, late])) as Record<string, unknown>;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(hard);
}
