import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Waits for something that a foreign program does; fails with `what` after `limitMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 60_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'holdover-bridge-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Kills by pid and waits until the process is gone. */
export async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

/** Two ptys joined end to end: a serial cable. Killing socat is pulling the adapter. */
export async function cable(
  socat: string,
  folder: string,
): Promise<{ a: string; b: string; pull: () => Promise<void> }> {
  const a = join(folder, 'a');
  const b = join(folder, 'b');
  // A killed socat leaves its links behind; existsSync follows them.
  rmSync(a, { force: true });
  rmSync(b, { force: true });
  const child = spawn(socat, [`pty,raw,echo=0,link=${a}`, `pty,raw,echo=0,link=${b}`], { stdio: 'ignore' });
  await until('both ends of the pty pair', () => existsSync(a) && existsSync(b));
  return { a, b, pull: () => kill(child) };
}

export function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/**
 * A pymodbus slave, an implementation that is not ours. Unit 1: holding register n holds 1000 + n, input register n 2000 + n, coil
 * and discrete input n are set where n is a multiple of 3; 200 of each. Unit 2: the same plus 5000.
 */
export function pymodbusSlave(
  python: string,
  folder: string,
  where: { serial: string } | { port: number },
): ChildProcess {
  const script = join(folder, 'slave.py');
  const serve =
    'serial' in where
      ? `StartAsyncSerialServer(context, framer=ModbusRtuFramer, port=${JSON.stringify(where.serial)}, baudrate=9600)`
      : `StartAsyncTcpServer(context, address=("127.0.0.1", ${where.port}), allow_reuse_address=True)`;
  writeFileSync(
    script,
    `import asyncio
from pymodbus.datastore import ModbusSequentialDataBlock as Block, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer

def unit(base):
    bits = [n % 3 == 0 for n in range(200)]
    return ModbusSlaveContext(
        hr=Block(0, [base + 1000 + n for n in range(200)]), ir=Block(0, [base + 2000 + n for n in range(200)]),
        co=Block(0, bits), di=Block(0, bits), zero_mode=True)

context = ModbusServerContext(slaves={1: unit(0), 2: unit(5000)}, single=False)

async def main():
    await ${serve}

asyncio.run(main())
`,
  );
  return spawn(python, [script], { stdio: 'ignore', cwd: folder });
}
