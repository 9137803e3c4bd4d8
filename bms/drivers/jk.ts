import { decoded, refused } from './decoded.ts';
import type { Decoded, ExchangeDriver, RecordedExchange } from './driver.ts';
import { jkAlarms } from './jk-alarms.ts';
import { jkBalancing, jkMosfets } from './jk-control.ts';
import { acceptAnswer, activateRequest, type JkFrame, readAllRequest, scanFrames } from './jk-frame.ts';
import { readTags } from './jk-tags.ts';
import { packSample } from './pack-fields.ts';

/** Why a JK board may be silent. */
export const JK_SILENCE =
  'a JK board sleeps when idle and wakes by current, a charger or its button: check also that the port is set to this protocol';

/**
 * JK (Jikong) boards of the BD and B series on their GPS port: one tag list tells everything.
 *
 *     ask   4E57 0013 00000000 06 03 00 00 00000000 68 0000 0129
 *     told  4E57 011B 00000000 06 00 01 792A010EED… 8314EF 8480D0 850F … C001 00000000 68 0000 54D1
 *                                       cell 1 3.821 V  53.59 V  +2.08 A  15 %
 */
export const jk: ExchangeDriver = {
  id: 'jk',
  title: 'JK (Jikong) BD and B series, GPS port (4E57 frames)',
  measures: 'pack',
  note: 'protocols/jk.md, section 2',
  whenSilent: JK_SILENCE,
  shape: 'exchange',
  line: { baud: 115_200 },
  gapMs: 100,
  timeoutMs: 600,
  tries: 3,
  reads: [{ name: 'everything', cadence: 'fast', request: readAllRequest, accept: acceptAnswer }],
  // As the maker's document has it; nobody has published an answer.
  wake: { name: 'activate', request: activateRequest, accept: acceptAnswer },
  mosfets: jkMosfets,
  balancing: jkBalancing,
  decode,
  sample(fields, measuredAtMs) {
    const { actualAh, nominalAh: ratedAh } = fields;
    // 0 until the board has learned its capacity.
    const learned = typeof actualAh === 'number' && actualAh > 0 ? { fullAh: actualAh } : {};
    return packSample({ ...fields, ratedAh, ...learned }, measuredAtMs, jkAlarms(fields));
  },
};

const FAULTS: Readonly<Record<string, string>> = {
  header: 'no frame begins with 4E57',
  truncated: 'the frame ends before the length it announces',
  terminator: 'the frame does not end with 68',
  checksum: 'the sum of the frame does not match',
  malformed: 'the frame announces a length that none can have',
};

function decode(exchange: RecordedExchange): Decoded {
  const { request: asking, response = new Uint8Array() } = exchange;
  // Writes are not answered: what a recording of one says is in its request.
  if (exchange.response === undefined && asking !== undefined) {
    const asked = scanFrames(asking).request;
    const written = asked === undefined ? undefined : decodeWrite(asked);
    if (written !== undefined) return written;
  }
  if (response.length === 0) return refused('timeout', `the BMS did not answer; ${JK_SILENCE}`);
  const { answer, request, fault } = scanFrames(response);
  if (answer !== undefined) return decoded(readTags(answer.body));
  if (fault !== undefined) return refused(fault, FAULTS[fault] ?? fault);
  if (request !== undefined) return refused('timeout', `only the echo of the request came; ${JK_SILENCE}`);
  return refused('header', FAULTS.header ?? 'header');
}

function decodeWrite({ command, body }: JkFrame): Decoded | undefined {
  if (command === 0x05) return decoded({ op: 'authenticate' });
  if (command !== 0x02) return undefined;
  const [tag, value] = body;
  if (tag === 0xab) return decoded({ op: 'set_charge_mosfet', on: value === 1 });
  if (tag === 0xac) return decoded({ op: 'set_discharge_mosfet', on: value === 1 });
  return decoded({ op: 'write', tag });
}
