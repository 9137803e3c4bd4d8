import type { PromisifiedBus } from 'i2c-bus';
import { BridgeError } from './errors.ts';
import { type I2cBus, i2cName } from './i2c-exchange.ts';

/** An SMBus block is this long at most. */
const LONGEST_BLOCK = 32;

/**
 * An I2C adapter of this machine (`/dev/i2c-1`), through the optional native package `i2c-bus`, which is loaded with the
 * first call. Its failures are those of the operating system, with their `code` (`ENXIO`: nobody has this address).
 * @throws BridgeError `open` when the path is none of an adapter
 */
export function linuxI2cBus(path: string): I2cBus {
  const number = Number(/^\/dev\/i2c-(\d{1,4})$/.exec(path)?.[1] ?? Number.NaN);
  const name = i2cName(path);
  if (!Number.isInteger(number)) throw new BridgeError('open', name, 'an I2C bus is called /dev/i2c-1 or the like');
  let open: Promise<PromisifiedBus> | undefined;
  const bus = (): Promise<PromisifiedBus> => {
    open ??= library(name).then(({ openPromisified }) => openPromisified(number));
    return open;
  };
  return {
    name,
    async read(address, length) {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await (await bus()).i2cRead(address, length, buffer);
      return whole(buffer, bytesRead);
    },
    async write(address, bytes) {
      await (await bus()).i2cWrite(address, bytes.length, Buffer.from(bytes));
    },
    async transfer(address, sent, length) {
      const { i2cWrite, i2cRead, readI2cBlock } = bound(await bus());
      const buffer = Buffer.alloc(length);
      const [command = 0] = sent;
      if (sent.length === 1 && length <= LONGEST_BLOCK) {
        const { bytesRead } = await readI2cBlock(address, command, length, buffer);
        return whole(buffer, bytesRead);
      }
      await i2cWrite(address, sent.length, Buffer.from(sent));
      const { bytesRead } = await i2cRead(address, length, buffer);
      return whole(buffer, bytesRead);
    },
    async close() {
      const closing = open;
      open = undefined;
      await (await closing?.catch(() => undefined))?.close();
    },
  };
}

const bound = (bus: PromisifiedBus): Pick<PromisifiedBus, 'i2cWrite' | 'i2cRead' | 'readI2cBlock'> => ({
  i2cWrite: bus.i2cWrite.bind(bus),
  i2cRead: bus.i2cRead.bind(bus),
  readI2cBlock: bus.readI2cBlock.bind(bus),
});

function whole(buffer: Uint8Array, bytesRead: number): Uint8Array {
  if (bytesRead !== buffer.length)
    throw Object.assign(new Error(`${bytesRead} of ${buffer.length} bytes came`), { code: 'EIO' });
  return Uint8Array.from(buffer);
}

async function library(name: string): Promise<typeof import('i2c-bus')> {
  try {
    return (await import('i2c-bus')).default;
  } catch (cause) {
    const text =
      'the optional package i2c-bus is missing or not built for this Node; ' +
      'with a compiler (apt-get install build-essential python3) npm run native brings it';
    throw new BridgeError('open', name, text, { reason: 'no_package', retryable: false, cause });
  }
}
