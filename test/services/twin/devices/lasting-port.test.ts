import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { lastingPort } from '../../../../services/twin/devices/lasting-port.ts';

const HOST = '127.0.0.1';
const servers: ReturnType<typeof createServer>[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listenOn(port: number): Promise<void> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ host: HOST, port }, resolve));
}

it('is below what the system gives to any connection, and another one each time', async () => {
  const ports = [];
  for (let count = 0; count < 30; count += 1) ports.push(await lastingPort(HOST));
  expect(new Set(ports).size).toBe(30);
  expect(ports.filter((port) => port < 1024 || port >= 32_768)).toEqual([]);
  for (const port of ports) await listenOn(port);
});

it('passes over a port where somebody listens', async () => {
  const port = await lastingPort(HOST);
  await listenOn(port + 1);
  expect(await lastingPort(HOST)).toBeGreaterThan(port + 1);
});

it('is given to no other process for as long as this one lives, also while nobody listens', async () => {
  const first = await lastingPort(HOST);
  const mine = [first];
  for (let count = 0; count < 5; count += 1) mine.push(await lastingPort(HOST));
  // A process that looks from the same place on: its number would have to be the same.
  const script = `
    Object.defineProperty(process, 'pid', { value: ${process.pid} });
    const { lastingPort } = await import('./services/twin/devices/lasting-port.ts');
    const ports = [];
    while (ports.length < 100) ports.push(await lastingPort('${HOST}'));
    console.log(JSON.stringify(ports));`;
  const theirs = JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
  ) as number[];
  expect(theirs.filter((port) => mine.includes(port))).toEqual([]);
});

it('keeps no process alive', () => {
  const script = `await (await import('./services/twin/devices/lasting-port.ts')).lastingPort('${HOST}');`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 60_000 });
});

it('says why there is none on an address that is not ours', async () => {
  await expect(lastingPort('192.0.2.1')).rejects.toThrow(/EADDRNOTAVAIL/);
});
