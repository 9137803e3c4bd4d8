import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { evalDocument, evalLines } from '../eval/stream.ts';
import { type Console, UsageError } from './console.ts';

/** Longer files are read line by line only. */
const MOST_DOCUMENT_BYTES = 50_000_000;

/** The command `eval`: cases from standard input or a file, answers to standard output. */
export async function evalCommand(args: readonly string[], { stdin, stdout }: Console): Promise<number> {
  const [path, ...more] = args;
  if (path?.startsWith('-'))
    throw new UsageError(`${path} is not known here`, 'eval cases.json, or cases on standard input');
  if (more.length > 0) throw new UsageError(`one file is expected, not ${args.join(' ')}`);
  if (path === undefined) await evalLines(stdin, stdout);
  else await evalFile(path, stdout);
  return 0;
}

/** A file is one JSON document with cases, or lines. */
async function evalFile(path: string, stdout: Console['stdout']): Promise<void> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const text = size <= MOST_DOCUMENT_BYTES ? await file.readFile('utf8') : undefined;
    if (text !== undefined && (await evalDocument(text, stdout))) return;
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`, 'eval cases.json');
  }
  await evalLines(createReadStream(path), stdout);
}
