import { parentPort } from 'node:worker_threads';
import { Archive } from './archive.ts';
import type { FromWorker, Questions, ToWorker } from './wire.ts';

/** The thread that has the file. SQLite is synchronous; here it may wait for the disk as long as it likes. */

let archive: Archive | undefined;

const say = (message: FromWorker): void => parentPort?.postMessage(message);

const why = (error: unknown): string => (error instanceof Error ? error.message : String(error));

parentPort?.on('message', (message: ToWorker) => {
  try {
    take(message);
  } catch (error) {
    say({ kind: 'refused', message: why(error) });
  }
});

function take(message: ToWorker): void {
  switch (message.kind) {
    case 'open':
      archive = new Archive(message.options, message.wallMs);
      say({ kind: 'opened', state: archive.state() });
      return;
    case 'frames':
      for (const frame of message.frames) archive?.add(frame);
      return;
    case 'save':
      say(save(message));
      return;
    case 'ask':
      say({ kind: 'answer', id: message.id, ...answer(message.what, message.ask) });
      return;
    case 'close':
      archive?.close();
      archive = undefined;
      say({ kind: 'closed' });
      parentPort?.close();
  }
}

function save({ save }: Extract<ToWorker, { kind: 'save' }>): FromWorker {
  const saved = { kind: 'saved' as const, number: save.number };
  if (archive === undefined) return { ...saved, failure: 'the file is not open', dropped: 0, notes: [] };
  try {
    archive.save(save);
    const { totals, notes } = archive.state();
    return { ...saved, totals, notes, dropped: archive.dropped };
  } catch (error) {
    return { ...saved, failure: why(error), dropped: archive.dropped, notes: [] };
  }
}

function answer(what: keyof Questions, ask: unknown): { answer?: unknown; failure?: string } {
  if (archive === undefined) return { failure: 'the file is not open' };
  try {
    return { answer: found(archive, what, ask) };
  } catch (error) {
    return { failure: why(error) };
  }
}

function found(from: Archive, what: keyof Questions, ask: unknown): unknown {
  switch (what) {
    case 'range':
      return from.range(ask as Questions['range']['ask']);
    case 'hours': {
      const { fromMs, toMs } = ask as Questions['hours']['ask'];
      return from.hours(fromMs, toMs);
    }
    case 'outages': {
      const { fromMs, toMs, limit } = ask as Questions['outages']['ask'];
      return from.outages(fromMs, toMs, limit);
    }
    case 'health':
      return from.health((ask as Questions['health']['ask']).fromMs);
    case 'events': {
      const { fromMs, toMs, limit } = ask as Questions['events']['ask'];
      return from.events(fromMs, toMs, limit);
    }
  }
}
