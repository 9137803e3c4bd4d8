import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteExchange } from '../../firmware-bridge/byte-exchange.ts';
import { BridgeError } from '../../firmware-bridge/errors.ts';
import { bytesToHex } from '../../firmware-bridge/framing/ascii-hex.ts';
import { Malformed } from '../../firmware-bridge/framing/malformed.ts';
import { recordTransport } from '../../firmware-bridge/record.ts';
import { parseRecording, replayTransport } from '../../firmware-bridge/replay.ts';
import { MemoryTransport } from './memory-transport.ts';
import { until } from './peers.ts';

const about = { device: 'JBD SP04S034 fw 2.3', driver: 'jbd', startedAtMs: Date.UTC(2024, 1, 3, 4, 5, 6) };
const timing = { gapMs: 0, timeoutMs: 2000, tries: 1, lateMs: 0 };

/** Question n is answered by n, twice n, in two chunks. */
const question = (n: number) => ({
  label: `q${n}`,
  bytes: Uint8Array.of(n),
  accept: (received: Uint8Array) =>
    received.length < 2
      ? ({ kind: 'more' } as const)
      : ({ kind: 'take', value: bytesToHex(received.subarray(0, 2)), length: 2 } as const),
});

async function recorded(questions: readonly number[], maxChunks?: number): Promise<string[]> {
  const lines: string[] = [];
  const wire = new MemoryTransport();
  wire.device = ([n = 0]) => {
    wire.say(Uint8Array.of(n));
    setImmediate(() => wire.say(Uint8Array.of(n * 2)));
  };
  let clockMs = 100;
  const transport = recordTransport(wire, {
    ...about,
    writeLine: (line) => lines.push(line),
    now: () => clockMs++,
    ...(maxChunks === undefined ? {} : { maxChunks }),
  });
  const exchange = byteExchange(transport, timing);
  for (const n of questions) await exchange.request(question(n));
  await exchange.close();
  return lines;
}

describe('recording', () => {
  it('writes a header and every chunk, in order, with its time', async () => {
    expect((await recorded([3])).map((line) => JSON.parse(line))).toEqual([
      {
        format: 'holdover-recording',
        version: 1,
        device: 'JBD SP04S034 fw 2.3',
        driver: 'jbd',
        transport: 'memory:test',
        startedAt: '2024-02-03T04:05:06.000Z',
      },
      { tMs: 1, dir: 'tx', hex: '03' },
      { tMs: 2, dir: 'rx', hex: '03' },
      { tMs: 3, dir: 'rx', hex: '06' },
    ]);
  });

  it('stops writing at its bound; the traffic goes on', async () => {
    expect((await recorded([1, 2, 3, 4], 5)).length).toBe(6);
  });

  it('has a header even when the device never says a word', async () => {
    const lines: string[] = [];
    const transport = recordTransport(new MemoryTransport(), { ...about, writeLine: (line) => lines.push(line) });
    expect(lines).toEqual([]);
    await transport.open();
    expect(parseRecording(lines.join('\n')).chunks).toEqual([]);
  });
});

describe('replaying', () => {
  it('answers as the device did, in any order and for ever', async () => {
    const text = `${(await recorded([1, 2, 3, 1])).join('\n')}\n`;
    const exchange = byteExchange(replayTransport(parseRecording(text)), timing);
    for (const n of [1, 2, 3, 1, 2, 1, 3, 3]) {
      expect(await exchange.request(question(n))).toBe(bytesToHex(Uint8Array.of(n, n * 2)));
    }
    await exchange.close();
  });

  it('a request that was never recorded is a deviation, and says which was expected', async () => {
    const text = (await recorded([1, 2, 3])).join('\n');
    const transport = replayTransport(parseRecording(`${text}\n`));
    const exchange = byteExchange(transport, { ...timing, tries: 3 });
    await exchange.request(question(1));
    const error = await exchange.request(question(9)).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(BridgeError);
    expect(error).toMatchObject({ code: 'write', reason: 'deviation', retryable: false });
    expect(String(error)).toMatch(/no request 09; line 5 would have been 02/);
    await exchange.close();
  });

  it('streams what came unasked, in order, after opening', async () => {
    const [header = ''] = await recorded([1]);
    const chunks = ['0d0a56', '09', '3132'].map((hex, at) => JSON.stringify({ tMs: at * 1000, dir: 'rx', hex }));
    const text = [header, ...chunks, ''].join('\n');
    const exchange = byteExchange(replayTransport(parseRecording(text)), timing);
    const heard: string[] = [];
    exchange.listen((chunk) => heard.push(bytesToHex(chunk)));
    await until('all chunks', () => heard.length === 3);
    expect(heard).toEqual(['0d0a56', '09', '3132']);
    await exchange.close();
  });
});

describe('reading a recording', () => {
  it('leaves out a last line that was cut off', async () => {
    const lines = await recorded([1, 2]);
    const text = lines.join('\n').slice(0, -4);
    expect(parseRecording(text).chunks.length).toBe(lines.length - 2);
  });

  it.each([
    ['', /line 1: /],
    ['hello\n', /line 1: not a JSON object/],
    ['{"format":"holdover-recording","version":2}\n', /line 1: this is not a recording/],
    ['{"format":"holdover-recording","version":1}\n', /line 1: the header has no device/],
  ])('says what is wrong with %j', (text, message) => {
    expect(() => parseRecording(text)).toThrow(message);
  });

  it.each([
    '[]',
    '{"tMs":"1","dir":"rx","hex":"00"}',
    '{"tMs":1,"dir":"up","hex":"00"}',
    '{"tMs":1,"dir":"rx","hex":"0"}',
  ])('names the line of a bad chunk: %s', async (bad) => {
    const [header = ''] = await recorded([1]);
    expect(() => parseRecording([header, '', bad, ''].join('\n'))).toThrow(/^line 3: /);
  });

  it('never throws anything but Malformed', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.array(fc.json()).map((parts) => parts.join('\n')),
        ),
        (text) => {
          try {
            parseRecording(text);
          } catch (error) {
            expect(error).toBeInstanceOf(Malformed);
          }
        },
      ),
    );
  });
});
