import { BridgeError, type I2cChip, type I2cExchange, type I2cPlace } from '#bridge';
import type { Fields, I2cRead, I2cStart } from './drivers/driver.ts';

/** Looks at a chip that is not done, at most this often; each look waits a quarter of what a measurement takes. */
const MOST_LOOKS = 12;

/** One read of a chip: its registers in one conversation, decoded. Rejects with a `BridgeError`. */
export async function readChip(
  bus: I2cExchange,
  place: I2cPlace,
  read: I2cRead,
  label: string,
  signal?: AbortSignal,
): Promise<Fields> {
  const result = await bus.converse({
    ...place,
    label,
    ...(signal === undefined ? {} : { signal }),
    talk: async (chip) => {
      if (read.start !== undefined) await measured(chip, read.start, bus.name, label);
      const registers = new Map<number, Uint8Array>();
      for (const { at, length } of read.registers) registers.set(at, await chip.transfer(Uint8Array.of(at), length));
      return read.decode(registers);
    },
  });
  if (result.ok) return result.fields;
  throw new BridgeError('refused', bus.name, `${label} was refused: ${result.error.message}`, {
    reason: result.error.code,
  });
}

/** Starts a measurement and waits until it is there. */
async function measured(
  chip: I2cChip,
  { at, word, doneMask, takesMs }: I2cStart,
  bus: string,
  label: string,
): Promise<void> {
  await chip.write(Uint8Array.of(at, word >> 8, word & 0xff));
  await chip.pause(takesMs);
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    const [high = 0, low = 0] = await chip.transfer(Uint8Array.of(at), 2);
    if (((high * 256 + low) & doneMask) !== 0) return;
    await chip.pause(Math.ceil(takesMs / 4));
  }
  throw new BridgeError('timeout', bus, `${label}: the measurement does not end`, { reason: 'busy' });
}
