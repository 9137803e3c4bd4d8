import { BridgeError, type WritableExchange } from '#bridge';
import type { Fields, RegisterBlock, RegisterDriver } from '../drivers/driver.ts';
import type { RegisterSetting } from '../drivers/switches.ts';
import type { Sample } from '../model/sample.ts';
import type { BoardLink } from './switching.ts';

/** Reads and writes a board that speaks Modbus. */
export function registerLink(
  driver: RegisterDriver<Sample>,
  bus: WritableExchange,
  unit: number,
): BoardLink<RegisterSetting, RegisterBlock> {
  async function look(state: string | RegisterBlock, signal: AbortSignal | undefined): Promise<Fields> {
    const block = typeof state === 'string' ? driver.reads.find(({ name }) => name === state) : state;
    if (block === undefined) throw new TypeError(`driver ${driver.id} has no read ${String(state)}`);
    const words = await bus.read({ ...block.read, unit, ...(signal === undefined ? {} : { signal }) });
    const result = block.decode(words);
    if (result.ok) return result.fields;
    throw new BridgeError('refused', bus.name, result.error.message, { reason: result.error.code });
  }

  return {
    look,
    async send({ functionCode, address, values }, signal) {
      const write = { unit, functionCode, address, values, ...(signal === undefined ? {} : { signal }) };
      await bus.write(write).catch((error: unknown) => {
        if (!(error instanceof BridgeError) || error.code !== 'timeout') throw error;
        // A second write of the same state changes nothing.
        return bus.write(write);
      });
    },
  };
}
