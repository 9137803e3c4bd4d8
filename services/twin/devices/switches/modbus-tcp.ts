import type { World } from '../../model.ts';
import type { PluggableHandle } from '../plug.ts';
import { TcpServer } from '../tcp-server.ts';
import { registersAnswer } from './modbus-registers.ts';
import type { WebPlace } from './web-face.ts';

const HEADER = 7;
/** Of unit and request together. */
const LONGEST = 254;
const UNIT = 1;

/** The switch of `modbus-registers.ts` on Modbus TCP. */
export async function serveModbusSwitch(
  world: World,
  { host = '127.0.0.1', port = 0 }: WebPlace = {},
): Promise<PluggableHandle & { readonly port: number }> {
  const isMute = () => !world.switch.powered || world.faults.silent.has('switch');
  const tcp = new TcpServer(host, port, (socket) => {
    let pending: Uint8Array = new Uint8Array();
    socket.on('data', (chunk) => {
      const { requests, rest } = framed(Buffer.concat([pending, chunk]));
      // no Modbus: this line is of no use any more
      if (rest === undefined) return void socket.destroy();
      pending = rest;
      for (const { transaction, unit, pdu } of requests)
        if (unit === UNIT && !isMute()) socket.write(reply(transaction, registersAnswer(world, pdu)));
    });
  });
  await tcp.listen();
  return {
    name: 'switch',
    port: tcp.port,
    address: `${host}:${tcp.port}`,
    unplug: () => tcp.close(),
    replug: () => tcp.listen(),
    close: () => tcp.close(),
  };
}

interface Request {
  readonly transaction: number;
  readonly unit: number;
  readonly pdu: Buffer;
}

/** Whole requests and what is left; no rest where it is not Modbus at all. */
function framed(bytes: Buffer): { readonly requests: readonly Request[]; readonly rest?: Buffer } {
  const requests: Request[] = [];
  let rest = bytes;
  while (rest.length >= HEADER) {
    const length = rest.readUInt16BE(4);
    if (rest.readUInt16BE(2) !== 0 || length < 2 || length > LONGEST) return { requests: [] };
    if (rest.length < 6 + length) break;
    requests.push({
      transaction: rest.readUInt16BE(0),
      unit: rest[6] ?? 0,
      pdu: rest.subarray(HEADER, 6 + length),
    });
    rest = rest.subarray(6 + length);
  }
  return { requests, rest };
}

function reply(transaction: number, pdu: readonly number[]): Buffer {
  const head = Buffer.alloc(HEADER);
  head.writeUInt16BE(transaction, 0);
  head.writeUInt16BE(pdu.length + 1, 4);
  head[6] = UNIT;
  return Buffer.concat([head, Buffer.from(pdu)]);
}
