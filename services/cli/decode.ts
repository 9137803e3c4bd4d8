import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { type Driver, decodeLine, driverFor, type MappingDriver, mappingFor, UnknownDriverError } from '#bms';

/** Longest line in characters: far above the longest capture, far below what would hurt. */
const MAX_LINE = 256 * 1024;

/**
 * The command `decode`: JSON lines in, JSON lines out, one for one and in the same order (blank lines are passed over).
 * Resolves with the exit status: 0 when the input was read to its end, whatever the frames were worth; 2 for an unknown driver.
 * `more`: drivers of the user's own profiles. Nobody reading the output any more (`| head`) is no error.
 */
export async function decodeStream(
  driverId: string,
  input: Readable,
  output: Writable,
  errors: Writable = process.stderr,
  more: readonly Driver[] = [],
  mappings: readonly MappingDriver[] = [],
): Promise<number> {
  let answerOf = (line: string): string => decodeLine(driverId, line, more, mappings);
  try {
    if (mappingFor(driverId, mappings) === undefined) driverFor(driverId, more);
  } catch (error) {
    if (!(error instanceof UnknownDriverError)) throw error;
    const { decodeSwitchLine, switchDecoders } = await import('./decode-switch.ts');
    if (!switchDecoders().includes(driverId)) {
      errors.write(`decode: ${error.message}\n  switches: ${switchDecoders().join(', ')}\n`);
      return 2;
    }
    answerOf = (line) => decodeSwitchLine(driverId, line);
  }
  let gone = false;
  const onGone = (): void => {
    gone = true;
  };
  output.on('error', onGone).on('close', onGone);
  try {
    for await (const line of lines(input)) {
      if (gone) break;
      const answer = line === undefined ? tooLong() : answerOf(line);
      if (!output.write(`${answer}\n`)) await drained(output);
    }
  } finally {
    output.off('close', onGone);
  }
  return 0;
}

/** Lines without their ends; `undefined` for one that is too long (its rest is not kept). */
async function* lines(input: Readable): AsyncGenerator<string | undefined> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let skipping = false;
  for await (const chunk of input) {
    const parts = (rest + (typeof chunk === 'string' ? chunk : decoder.write(chunk))).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      if (skipping || part.length > MAX_LINE) yield undefined;
      else if (part.trim() !== '') yield part;
      skipping = false;
    }
    if (skipping || rest.length > MAX_LINE) {
      skipping = true;
      rest = '';
    }
  }
  rest += decoder.end();
  if (skipping || rest.length > MAX_LINE) yield undefined;
  else if (rest.trim() !== '') yield rest;
}

function tooLong(): string {
  return JSON.stringify({ error: { code: 'input', message: `the line is longer than ${MAX_LINE} characters` } });
}

/** Resolves when there is room again, or nobody to make room for. */
function drained(output: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'error'] as const) output.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'error'] as const) output.on(event, done);
    if (output.destroyed || !output.writableNeedDrain) done();
  });
}
