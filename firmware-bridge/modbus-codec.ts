import { EventEmitter } from 'node:events';
import type { RegisterTable } from './exchange.ts';

/** What is read, without the matters of the wire. */
export interface RegisterQuestion {
  readonly unit: number;
  readonly table: RegisterTable;
  readonly address: number;
  readonly count: number;
}

/**
 * modbus-serial as a codec. The library has no queue on RTU, takes a late answer for the next one's, and leaves calls unsettled
 * when the line dies; so it gets a port that is always open and only hands frames over. Who sends them, when, and which bytes
 * are an answer is decided by our own bus. One question at a time.
 */
export interface ModbusCodec {
  /** The RTU frame of the request, CRC included. */
  encode(question: RegisterQuestion): Uint8Array;
  /** The words of the RTU answer (CRC included) to the question encoded last; bits as 0/1. Throws when they do not belong together. */
  decode(answer: Uint8Array): Uint16Array;
}

/** Loads modbus-serial. */
export async function modbusCodec(): Promise<ModbusCodec> {
  const { default: library } = await import('modbus-serial');
  const port = new HandOver();
  const client = new library.default(port);
  client.open();
  let count = 0;
  const outcomes: { readonly error: Error | null; readonly data: readonly (number | boolean)[] }[] = [];
  const next = (error: Error | null, result?: { readonly data: readonly (number | boolean)[] }) => {
    outcomes.push({ error, data: result?.data ?? [] });
  };
  return {
    encode(question) {
      const { unit, table, address } = question;
      count = question.count;
      port.written = undefined;
      if (table === 'coil') client.writeFC1(unit, address, count, next);
      else if (table === 'discrete') client.writeFC2(unit, address, count, next);
      else if (table === 'holding') client.writeFC3(unit, address, count, next);
      else client.writeFC4(unit, address, count, next);
      if (!port.written) throw new Error('modbus-serial did not write a request');
      return port.written;
    },
    decode(answer) {
      outcomes.length = 0;
      port.emit('data', Buffer.from(answer));
      const [outcome] = outcomes;
      if (!outcome) throw new Error('modbus-serial did not recognise the answer');
      if (outcome.error) throw outcome.error;
      // Bits come padded to whole bytes.
      return Uint16Array.from(outcome.data.slice(0, count), Number);
    },
  };
}

/** The port object modbus-serial writes its requests to and hears answers from; as much of one as it uses. */
class HandOver extends EventEmitter {
  readonly isOpen = true;
  written: Uint8Array | undefined;

  open(callback: (error: Error | null) => void): void {
    callback(null);
  }

  close(callback?: (error: Error | null) => void): void {
    callback?.(null);
  }

  write(frame: Uint8Array): void {
    this.written = frame;
  }
}
