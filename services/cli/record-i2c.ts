import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { I2cDriver } from '#bms';
import { bytesToHex, type I2cExchange, i2cBusAt, i2cExchange } from '#bridge';
import { systemClock } from '../runtime/clock.ts';
import { messageOf, UserError } from '../runtime/errors.ts';
import { opened } from './record-file.ts';

const EVERY_MS = 1000;

/**
 * `holdover record /dev/i2c-1 --driver ina226`: reads the chip's registers once a second and writes each set as a line that
 * `holdover decode` takes: `{"chip":"ina226","address":64,"tMs":0,"registers":{"0x02":"a400"}}`, or what failed. Reads only.
 */
export async function recordI2c(
  device: string,
  driver: I2cDriver,
  options: { readonly out: string; readonly seconds: number; readonly address?: number },
): Promise<number> {
  const { out, seconds, address = driver.addresses[0] } = options;
  const started = driver.reads.some(({ start }) => start !== undefined);
  if (address === undefined || driver.reads.length === 0 || started)
    throw new UserError(
      `${driver.id} is not one chip that only has to be read`,
      'name a chip, such as --driver ina226',
    );
  const bus = i2cExchange(i2cBusAt(device));
  const file = createWriteStream(out, { flags: 'wx', mode: 0o644 });
  await opened(file, out);
  const startMs = systemClock.monoMs();
  let answers = 0;
  let failures = 0;
  console.error(`recording ${driver.id} at 0x${address.toString(16)} of ${device} for ${seconds} s into ${out}`);
  for (;;) {
    const tMs = Math.round(systemClock.monoMs() - startMs);
    try {
      const registers = await registersOf(bus, driver, address);
      file.write(`${JSON.stringify({ chip: driver.id, address, tMs, registers })}\n`);
      answers += 1;
    } catch (error) {
      failures += 1;
      if (failures === 1) console.error(`  ${messageOf(error)}`);
    }
    const leftMs = startMs + seconds * 1000 - systemClock.monoMs();
    if (leftMs <= 0) break;
    await systemClock.sleep(Math.min(EVERY_MS, leftMs));
  }
  await bus.close();
  file.end();
  await finished(file);
  console.error(`${answers} sets of registers, ${failures} failures`);
  return answers > 0 ? 0 : 1;
}

/** All registers of its reads, in one conversation. */
function registersOf(
  bus: I2cExchange,
  { id, reads }: I2cDriver,
  address: number,
): Promise<Readonly<Record<string, string>>> {
  return bus.converse({
    address,
    label: id,
    talk: async (chip) => {
      const registers: Record<string, string> = {};
      for (const { at, length } of reads.flatMap((read) => read.registers))
        registers[`0x${at.toString(16).padStart(2, '0')}`] = bytesToHex(await chip.transfer(Uint8Array.of(at), length));
      return registers;
    },
  });
}
