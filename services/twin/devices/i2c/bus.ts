import type { World } from '../../model.ts';
import type { PluggableHandle } from '../plug.ts';
import { TcpServer } from '../tcp-server.ts';
import type { TwinChip } from './chip.ts';
import { ads1115, ina228, max17048, tmp102 } from './pack-chips.ts';
import { tps23861 } from './tps23861.ts';

/** A bus with its chips, as lines of JSON over TCP: `{"address":64,"write":"02","read":2}`, answered with hex or an error. */

const LONGEST_LINE = 4096;
const MOST_BYTES = 512;

/** The chips by their addresses: a pack without a BMS, and the ports 1 to 8 of the switch. */
export const chipsOf = (world: World): ReadonlyMap<number, TwinChip> =>
  new Map([
    [0x20, tps23861(world, 0)],
    [0x21, tps23861(world, 4)],
    [0x36, max17048(world)],
    [0x40, ina228(world)],
    [0x48, ads1115(world)],
    [0x49, tmp102(world)],
  ]);

export async function serveI2cBus(
  world: World,
  chips: ReadonlyMap<number, TwinChip>,
  { host = '127.0.0.1', port = 0 }: { host?: string; port?: number } = {},
): Promise<PluggableHandle & { readonly port: number }> {
  const tcp = new TcpServer(host, port, (socket) => {
    let received = '';
    socket.on('data', (chunk) => {
      const lines = (received + chunk.toString('latin1')).split('\n');
      received = lines.pop() ?? '';
      if (received.length > LONGEST_LINE) socket.destroy();
      // a bus that is held low: the call hangs
      if (world.faults.silent.has('i2c')) return;
      for (const line of lines) socket.write(`${JSON.stringify(answer(chips, line))}\n`);
    });
  });
  await tcp.listen();
  return {
    name: 'i2c',
    port: tcp.port,
    address: `i2c-tcp://${host}:${tcp.port}`,
    unplug: () => tcp.close(),
    replug: () => tcp.listen(),
    close: () => tcp.close(),
  };
}

function answer(chips: ReadonlyMap<number, TwinChip>, line: string): object {
  const { address, write, read } = parsed(line);
  if (typeof write !== 'string' || !/^([0-9a-f]{2})*$/i.test(write) || write.length > 2 * MOST_BYTES) return EINVAL;
  if (typeof read !== 'number' || !Number.isInteger(read) || read < 0 || read > MOST_BYTES) return EINVAL;
  const chip = chips.get(Number(address));
  if (chip === undefined) return { error: 'ENXIO' };
  if (write !== '') chip.write(Uint8Array.from(Buffer.from(write, 'hex')));
  return { hex: read === 0 ? '' : Buffer.from(chip.read(read)).toString('hex') };
}

const EINVAL = { error: 'EINVAL' };

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(line)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
