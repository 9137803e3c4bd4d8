import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { byteExchange } from '../../firmware-bridge/byte-exchange.ts';
import type { BridgeError } from '../../firmware-bridge/errors.ts';
import type { ByteRequest } from '../../firmware-bridge/exchange.ts';
import { bytesToHex } from '../../firmware-bridge/framing/ascii-hex.ts';
import { serialTransport } from '../../firmware-bridge/serial.ts';
import { peer } from '../peers.ts';
import { cable, temporaryFolder, until } from './peers.ts';

const socat = peer('socat');
const line = { baud: 9600 } as const;

/** A question of any bytes; the answer is as long as the question. */
function ask(bytes: Uint8Array): ByteRequest<string> {
  return {
    label: 'echo',
    bytes,
    accept: (received) =>
      received.length < bytes.length
        ? { kind: 'more' }
        : { kind: 'take', value: bytesToHex(received.subarray(0, bytes.length)), length: bytes.length },
  };
}

describe.skipIf(socat.skip)(`a serial port (pty pair of ${socat.title})`, () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let wire: Awaited<ReturnType<typeof cable>>;
  beforeEach(async () => {
    folder = temporaryFolder();
    wire = await cable(socat.path, folder.path);
  });
  afterEach(async () => {
    await wire.pull();
    folder.remove();
  });

  it('does nothing until it is opened, then carries every byte value both ways', async () => {
    const a = serialTransport({ path: wire.a, line });
    const b = serialTransport({ path: wire.b, line });
    expect(a.name).toBe(`serial:${wire.a}`);
    expect(a.isOpen).toBe(false);
    await Promise.all([a.open(), b.open()]);
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const heard: number[] = [];
    b.onData((chunk) => heard.push(...chunk));
    b.onData((chunk) => void b.write(chunk));
    const back: number[] = [];
    a.onData((chunk) => back.push(...chunk));
    await a.write(every);
    await until('all bytes to come back', () => back.length === 256);
    expect(heard).toEqual([...every]);
    expect(back).toEqual([...every]);
    await Promise.all([a.close(), b.close()]);
    expect(a.isOpen).toBe(false);
    await a.close();
  });

  it('says once that it went away, and opens again when it is back', async () => {
    const port = serialTransport({ path: wire.a, line });
    const losses: (BridgeError | undefined)[] = [];
    port.onClosed((reason) => losses.push(reason));
    await port.open();
    await wire.pull();
    await until('the loss', () => losses.length > 0);
    expect(losses).toMatchObject([{ code: 'closed', retryable: true }]);
    expect(port.isOpen).toBe(false);
    await expect(port.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'closed' });
    await port.flush();
    await port.close();
    await expect(port.open()).rejects.toMatchObject({ code: 'open' });
    wire = await cable(socat.path, folder.path);
    await port.open();
    await port.close();
    expect(losses.length).toBe(2);
    expect(losses[1]).toBeUndefined();
  });

  it('a hang-up right behind a byte is noticed every time', async () => {
    // The kernel reports it in two ways, depending on where the reader is; both come up in a few rounds.
    for (let round = 0; round < 12; round += 1) {
      const port = serialTransport({ path: wire.a, line });
      const device = serialTransport({ path: wire.b, line });
      const losses: unknown[] = [];
      port.onClosed((reason) => losses.push(reason));
      device.onData(() => void device.write(Uint8Array.of(1)).then(() => wire.pull()));
      await Promise.all([port.open(), device.open()]);
      await port.write(Uint8Array.of(1));
      await until(`the loss in round ${round}`, () => losses.length > 0);
      await Promise.all([port.close(), device.close()]);
      wire = await cable(socat.path, folder.path);
    }
  });

  it('a port that is taken says who may hold it', async () => {
    const first = serialTransport({ path: wire.a, line });
    const second = serialTransport({ path: wire.a, line });
    await first.open();
    await expect(first.open()).rejects.toMatchObject({ code: 'open' });
    await expect(second.open()).rejects.toMatchObject({
      code: 'open',
      retryable: true,
      message: expect.stringMatching(/another program holds it.*fuser/),
    });
    await first.close();
    await second.open();
    await second.close();
  });

  it('can be closed while it is opening, and leaves no lock behind', async () => {
    const port = serialTransport({ path: wire.a, line });
    const aborter = new AbortController();
    const opening = port.open(aborter.signal);
    aborter.abort();
    await expect(opening).rejects.toMatchObject({ code: 'open' });
    await until('the lock to be free', async () => {
      try {
        await port.open();
        return true;
      } catch {
        return false;
      }
    });
    await port.close();
  });

  it('an exchange over it survives unplug and replug, in the middle of an answer, too', async () => {
    const exchange = byteExchange(serialTransport({ path: wire.a, line }), {
      gapMs: 1,
      timeoutMs: 5000,
      tries: 1,
      reconnect: { firstMs: 10, maxMs: 100 },
    });
    const device = serialTransport({ path: wire.b, line });
    const plugIn = async () => {
      await device.open();
    };
    let faithful = 3 * 2;
    device.onData((chunk) => {
      faithful -= chunk.length;
      if (faithful >= 0) void device.write(chunk);
      else void device.write(chunk.subarray(0, 1)).then(() => wire.pull());
    });
    await plugIn();
    for (const byte of [1, 2, 3]) expect(await exchange.request(ask(Uint8Array.of(byte, 9)))).toBe(`0${byte}09`);
    await expect(exchange.request(ask(Uint8Array.of(4, 9)))).rejects.toMatchObject({ code: 'closed', retryable: true });
    await until('the device end to be released', () => !device.isOpen);
    wire = await cable(socat.path, folder.path);
    faithful = 1000;
    await plugIn();
    await until('an answer after the replug', async () => {
      try {
        return (await exchange.request(ask(Uint8Array.of(5, 9)))) === '0509';
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^(open|closed)$/) });
        return false;
      }
    });
    expect(exchange.stats.reconnects).toBe(1);
    await exchange.close();
    await device.close();
  });
});

describe('a serial port that cannot be opened', () => {
  it('is not there', async () => {
    const port = serialTransport({ path: '/dev/no-such-port', line });
    await expect(port.open()).rejects.toMatchObject({
      code: 'open',
      transport: 'serial:/dev/no-such-port',
      retryable: true,
      message: expect.stringMatching(/no such device.*by-id/),
    });
  });

  it('is not a serial port', async () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'plain-file');
    writeFileSync(path, '');
    await expect(serialTransport({ path, line }).open()).rejects.toMatchObject({
      code: 'open',
      message: expect.stringContaining('not a serial port'),
    });
    folder.remove();
  });
});
