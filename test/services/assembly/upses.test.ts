import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Buses } from '../../../services/assembly/buses.ts';
import { deviceSource } from '../../../services/assembly/sources.ts';
import { openUpses } from '../../../services/assembly/upses.ts';
import { UserError } from '../../../services/runtime/errors.ts';
import { configOf } from '../config/sound-config.ts';
import { PlayedClock } from '../runtime/played-clock.ts';

const clock = new PlayedClock();
const buses = new Buses();
const open = (config: object) => openUpses(configOf(config), buses, clock, clock, []);
let server: Server | undefined;

afterEach(async () => {
  await buses.close();
  server?.close();
  server = undefined;
  vi.unstubAllEnvs();
});

describe('UPSes that are read', () => {
  it('come by NUT, by a driver of ours, and from evidence, each as one source', () => {
    const { sources } = open({
      ups: [
        { id: 'apc', driver: 'nut', host: 'a', ups: 'apc', every: '5s' },
        { id: 'inverter', driver: 'voltronic', via: { tcp: '127.0.0.1:9' } },
      ],
      mains: { evidence: [{ ups: 'apc' }, { nut: { host: 'b', ups: 'c' } }] },
    });
    expect(sources.map(({ id, kind, everyMs }) => [id, kind, everyMs])).toEqual([
      ['apc', 'ups', 5000],
      ['inverter', 'ups', 2000],
      ['c-b', 'ups', 2000],
    ]);
  });

  it('are told apart from what is no UPS', () => {
    const config = { id: 'x', driver: 'jbd', via: { tcp: '127.0.0.1:9' }, every: 1 } as const;
    const wrong = () => deviceSource('ups', config, buses, clock, clock, []);
    expect(wrong).toThrow(UserError);
    expect(wrong).toThrow(/reads a pack/);
  });

  it('need their secrets at the start, and name none', () => {
    const config = {
      ups: [{ id: 'apc', driver: 'nut', host: 'a', ups: 'apc', user: 'me', password: { env: 'NUT_TEST_PW' } }],
    };
    expect(() => open(config)).toThrow(/ups apc: password: environment variable NUT_TEST_PW is not set/);
    vi.stubEnv('NUT_TEST_PW', 's3cret');
    expect(JSON.stringify(open(config).sources)).not.toContain('s3cret');
  });

  it('let go of their connections when they are closed', async () => {
    let ended = false;
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write('BEGIN LIST VAR apc\nVAR apc ups.status "OL"\nEND LIST VAR apc\n'));
      socket.on('close', () => {
        ended = true;
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const upses = open({ ups: [{ id: 'apc', driver: 'nut', host: '127.0.0.1', port, ups: 'apc' }] });
    await upses.sources[0]?.poll(new AbortController().signal);
    expect(ended).toBe(false);
    await upses.close();
    await vi.waitFor(() => expect(ended).toBe(true), { timeout: 60_000 });
  });
});
