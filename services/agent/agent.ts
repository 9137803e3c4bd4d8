import type { Clock } from '../runtime/clock.ts';
import type { CommandEnd } from '../runtime/run-command.ts';
import type { AgentMemory } from './memory.ts';
import { LinkError, type Order, type OrderLink } from './order-link.ts';

/**
 * Fetches orders for its own machine and obeys them. It halts only on an order that the service confirms in the moment
 * before: a service that is silent, gone, unknown or contradictory is never a reason to halt.
 */

export interface AgentParts {
  readonly link: Pick<OrderLink, 'next' | 'report' | 'close'>;
  readonly memory: AgentMemory;
  /** Halts this machine. */
  readonly halt: () => Promise<CommandEnd>;
  readonly clock: Clock;
  /** One line for the journal of the system. */
  readonly say: (line: string) => void;
}

/** How long a request may wait for an order, s. */
const WAIT_S = 10;
const FIRST_PAUSE_MS = 1000;
/** The service takes an agent for gone when it is silent for longer than a request and this, ms. */
const LONGEST_PAUSE_MS = 5000;
const REPORT_TRIES = 3;

/** Runs until told to stop. */
export async function runAgent(parts: AgentParts, signal: AbortSignal): Promise<void> {
  const { link, memory, clock, say } = parts;
  memory.load();
  let trouble: string | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  if (memory.unfinished !== undefined) await obey(parts, memory.unfinished, signal);
  while (!signal.aborted) {
    try {
      const order = await link.next(WAIT_S, signal);
      if (trouble !== undefined) say('the service answers again');
      trouble = undefined;
      pauseMs = FIRST_PAUSE_MS;
      if (order !== undefined) await consider(parts, order, signal);
    } catch (error) {
      if (signal.aborted) break;
      const because = error instanceof LinkError ? error.message : 'the request could not be made';
      if (because !== trouble) say(`${because}; nothing is done, and it is asked again`);
      trouble = because;
      await clock.sleep(pauseMs, signal).catch(() => undefined);
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    }
  }
  link.close();
}

async function consider(parts: AgentParts, { id, kind }: Order, signal: AbortSignal): Promise<void> {
  const { memory, clock, say } = parts;
  if (kind === 'halt' && !memory.hasObeyed(id)) return obey(parts, id, signal);
  if (kind !== 'halt') say('an order that this version does not know is left alone');
  // The service has nothing new to say; asking at once would only be a loop.
  await clock.sleep(FIRST_PAUSE_MS, signal).catch(() => undefined);
}

async function obey(parts: AgentParts, id: string, signal: AbortSignal): Promise<void> {
  const { memory, halt, say } = parts;
  noted(memory.remember(id, 'taking'), say);
  if (!(await stands(parts, id, signal))) {
    noted(memory.forget(), say);
    return;
  }
  // From here on the same order is never obeyed again, whatever becomes of this process.
  noted(memory.remember(id, 'obeyed'), say);
  say('told to halt this machine');
  const ended = await halt();
  if (ended.status === 0 || ended.end === 'signal') return;
  const why = `${ended.how}${ended.complaint === '' ? '' : `: ${ended.complaint}`}`;
  say(`this machine could not be halted: ${why}`);
  await parts.link.report(id, 'failed', why, signal).catch(() => undefined);
}

/** Only a clear yes counts. */
async function stands({ link, clock, say }: AgentParts, id: string, signal: AbortSignal): Promise<boolean> {
  for (let tries = 1; tries <= REPORT_TRIES && !signal.aborted; tries += 1) {
    try {
      const yes = await link.report(id, 'taken', undefined, signal);
      if (!yes) say('the order was withdrawn before it was taken');
      return yes;
    } catch (error) {
      if (error instanceof LinkError && error.permanent) break;
      await clock.sleep(FIRST_PAUSE_MS, signal).catch(() => undefined);
    }
  }
  say('the service does not confirm its order, so it is not obeyed');
  return false;
}

function noted(failure: string | undefined, say: AgentParts['say']): void {
  if (failure !== undefined) say(`the order could not be written down (${failure}); check stateDir`);
}
