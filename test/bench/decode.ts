import type { Decoded } from '../../bms/drivers/driver.ts';
import { driverFor } from '../../bms/drivers/registry.ts';
import { driverOf, readVectors, recorded, type Vector } from '../bms/drivers/vectors.ts';
import { type Bench, type Figure, figure } from './bench.ts';
import { inTurns, repeat } from './in-turns.ts';

/** A captured frame to checked values, against JSON.parse of the very same values. */
export const decodeBench: Bench = {
  name: 'decode',
  about: 'one captured frame to values in SI units',
  async run({ runs }) {
    const cases = [
      frame('jbd', '4s_discharging_2a87', 'JBD basic frame'),
      frame('jbd', 'sp25s003_16s_one_open_cell', 'JBD cell frame, 16 cells'),
      frame('ve-direct', 'bmv700_discharging_main', 'VE.Direct block'),
      registers('eastron', 'block_0x00_to_0x23_20a_circuit', 'SDM230 block'),
    ];
    const figures: Figure[] = [];
    for (const { title, decode } of cases) {
      const result = decode();
      if (!result.ok) throw new Error(`${title} is refused: ${result.error.message}`);
      const json = JSON.stringify(result.fields);
      const times = await inTurns(
        repeat(decode),
        repeat(() => JSON.parse(json)),
        runs,
      );
      figures.push(figure(title, 'µs', times.ours, { what: 'JSON.parse of the same values', values: times.peer }));
    }
    return { figures };
  },
};

interface Case {
  readonly title: string;
  readonly decode: () => Decoded;
}

function capture(file: string, name: string): Vector {
  const vector = readVectors(file).find((each) => each.name === name);
  if (vector === undefined) throw new Error(`there is no capture ${name} in ${file}`);
  return vector;
}

/** Bytes with checksum, as recorded. */
function frame(file: string, name: string, what: string): Case {
  const vector = capture(file, name);
  const [driver, exchange] = [driverFor(driverOf(vector)), recorded(vector)];
  return { title: `${what}, ${exchange.response?.length} bytes`, decode: () => driver.decode(exchange) };
}

/** The words the Modbus bus hands over: its library has checked the CRC by then. */
function registers(file: string, name: string, what: string): Case {
  const vector = capture(file, name);
  const driver = driverFor(driverOf(vector));
  const block = driver.shape === 'registers' ? driver.reads.find(({ read }) => read.address === 0) : undefined;
  const { response } = recorded(vector);
  if (block === undefined || response === undefined) throw new Error(`${name} holds no first block`);
  const view = new DataView(response.buffer, response.byteOffset + 3);
  const words = Uint16Array.from({ length: block.read.count }, (_, at) => view.getUint16(2 * at));
  return { title: `${what}, ${words.length} registers`, decode: () => block.decode(words) };
}
