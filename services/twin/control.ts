import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { isPluggable } from './devices/plug.ts';
import type { DeviceHandle } from './model.ts';
import type { Timeline } from './timeline.ts';
import type { SimWorld } from './world.ts';

/** What the cluster of the world looks like, in numbers. */
export interface ClusterSummary {
  readonly nodes: readonly {
    readonly name: string;
    readonly ready: boolean;
    readonly unschedulable: boolean;
    readonly pods: number;
  }[];
  readonly pods: number;
  readonly pendingPods: number;
}

export interface ControlOptions {
  readonly world: SimWorld;
  readonly timeline: Timeline;
  readonly cluster?: () => ClusterSummary;
  /** Faces by the name they are unplugged by. */
  readonly devices?: ReadonlyMap<string, DeviceHandle>;
  /** Lets the world stand still, or go on. */
  readonly hold?: (held: boolean) => void;
  /** Loopback only: whoever reaches it rules the world. */
  readonly host?: '127.0.0.1' | '::1';
  /** A free one when absent. */
  readonly port?: number;
}

const LARGEST_BODY = 16 * 1024;
const LOOPBACK_NAME = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

const FAULTS = ['silent', 'switchDisobeys', 'haltIgnored', 'stuckBudgets'] as const;
const mainsBody = z.strictObject({ present: z.boolean() });
const faultBody = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('switchDisobeys'), value: z.boolean() }),
  z.strictObject({
    name: z.enum(FAULTS).exclude(['switchDisobeys']),
    value: z.union([z.literal(false), z.array(z.string())]),
  }),
]);
const holdBody = z.strictObject({ held: z.boolean() });
const deviceBody = z.strictObject({ device: z.string() });

/** An answer that is not 200. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The hand that moves the world: what really is, what really happened, and accidents on demand. Not part of the rack. */
export async function serveControl(options: ControlOptions): Promise<DeviceHandle & { readonly port: number }> {
  const { host = '127.0.0.1', port = 0 } = options;
  const server = createServer((request, response) => {
    answer(request, options).then(
      (body) => send(response, 200, body),
      (error: unknown) => {
        const status = error instanceof Refusal ? error.status : 500;
        send(response, status, { error: error instanceof Error ? error.message : String(error) });
      },
    );
  });
  server.on('clientError', (_, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => resolve());
  });
  const address = server.address();
  const bound = address !== null && typeof address === 'object' ? address.port : port;
  return {
    name: 'control',
    port: bound,
    address: `http://${host === '::1' ? '[::1]' : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, options: ControlOptions): Promise<unknown> {
  const { world } = options;
  // a page in a browser must not reach it through a name that points here
  if (!LOOPBACK_NAME.test(request.headers.host ?? '')) throw new Refusal(403, 'the control listens on loopback only');
  const url = URL.parse(request.url ?? '/', 'http://localhost');
  if (!url) throw new Refusal(400, 'not an address');
  const route = `${request.method} ${url.pathname}`;
  switch (route) {
    case 'GET /state':
      return stateOf(options);
    case 'GET /events':
      return { timeS: world.timeS, events: options.timeline.after(Number(url.searchParams.get('after') ?? 0) || 0) };
    case 'POST /mains':
      world.setMains((await read(request, mainsBody)).present);
      return { timeS: world.timeS, mainsPresent: world.mainsPresent };
    case 'POST /fault': {
      const { name, value } = await read(request, faultBody);
      world.setFault(name, value);
      return { timeS: world.timeS, faults: faultsOf(world) };
    }
    case 'POST /hold': {
      const { held } = await read(request, holdBody);
      options.hold?.(held);
      return { timeS: world.timeS, held };
    }
    case 'POST /unplug':
    case 'POST /replug': {
      const { device } = await read(request, deviceBody);
      await plug(options, device, route === 'POST /unplug' ? 'unplug' : 'replug');
      return { timeS: world.timeS, device };
    }
    default:
      throw new Refusal(
        404,
        'GET /state, GET /events, POST /mains, POST /fault, POST /hold, POST /unplug, POST /replug',
      );
  }
}

async function plug(options: ControlOptions, device: string, what: 'unplug' | 'replug'): Promise<void> {
  const handle = options.devices?.get(device);
  const names = [...(options.devices ?? [])].filter(([, face]) => isPluggable(face)).map(([name]) => name);
  if (!handle) throw new Refusal(404, `no device ${JSON.stringify(device)}; can be unplugged: ${names.join(', ')}`);
  if (!isPluggable(handle)) throw new Refusal(409, `${device} cannot be unplugged; set the fault "silent" instead`);
  await handle[what]();
  options.timeline.add(options.world.timeS, 'device', device, what === 'unplug' ? 'unplugged' : 'plugged in');
}

function stateOf({ world, cluster, devices }: ControlOptions) {
  const { pack, meter } = world;
  return {
    timeS: world.timeS,
    wallMs: world.wallMs,
    mainsPresent: world.mainsPresent,
    supplied: world.supplied,
    loadW: world.loadW,
    pack: {
      socRatio: pack.socRatio,
      remainingAh: pack.remainingAh,
      capacityAh: pack.capacityAh,
      voltageV: pack.voltageV,
      currentA: pack.currentA,
      cellsV: pack.cellsV,
      temperaturesC: pack.temperaturesC,
      chargeFetClosed: pack.chargeFetClosed,
      dischargeFetClosed: pack.dischargeFetClosed,
    },
    meter: { voltageV: meter.voltageV, currentA: meter.currentA, powerW: meter.powerW, importWh: meter.importWh },
    switch: {
      id: world.switch.id,
      budgetW: world.switch.budgetW,
      drawnW: world.switch.drawnW,
      ports: world.switch.ports.map(({ port, enabled, state, powerW, priority, deniedCount, hostId }) => ({
        port,
        enabled,
        state,
        powerW,
        priority,
        deniedCount,
        hostId,
      })),
    },
    hosts: [...world.hosts.values()].map(({ id, node, state, powerW, bootId }) => ({
      id,
      node,
      state,
      powerW,
      bootId,
    })),
    faults: faultsOf(world),
    violations: world.violations,
    devices: [...(devices ?? [])].map(([name, handle]) => ({ name, address: handle.address })),
    ...(cluster ? { cluster: cluster() } : {}),
  };
}

const faultsOf = ({ faults }: SimWorld) => ({
  silent: [...faults.silent],
  switchDisobeys: faults.switchDisobeys,
  haltIgnored: [...faults.haltIgnored],
  stuckBudgets: [...faults.stuckBudgets],
});

async function read<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new Refusal(415, 'send JSON with content-type application/json');
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw new Refusal(413, `at most ${LARGEST_BODY} bytes`);
    chunks.push(chunk);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Refusal(400, z.prettifyError(parsed.error));
  return parsed.data;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  // a refused body may still be on its way: the connection cannot be used again
  if (status !== 200) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}
