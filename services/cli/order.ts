import { createInterface } from 'node:readline/promises';
import { UserError } from '../runtime/errors.ts';
import type { Command } from '../shutdown/state.ts';
import { serviceAt } from './service-client.ts';

export interface OrderOptions {
  readonly url: string;
  readonly tokenEnv: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** What is asked before an order that takes something down. */
const GRAVE: Readonly<Partial<Record<Command['kind'], (command: Command) => string | undefined>>> = {
  begin: (command) =>
    command.kind === 'begin' && command.onMains
      ? 'Shut every stage down although mains is there? It stays down until `holdover order abort`.'
      : 'Shut every stage down now?',
  'power-cycle': (command) => `Cut the power of ${'host' in command ? command.host : ''} and give it back?`,
  lease: (command) =>
    command.kind !== 'lease' || command.do === 'give'
      ? 'Let the other node act?'
      : command.force
        ? 'Act although the other node may not hear of it? If it lives, both will act.'
        : 'Take over from the node that acts?',
  'switch-board': (command) =>
    command.kind === 'switch-board' && command.what === 'discharge' && !command.on
      ? `Take the power from everything that lives from pack ${command.pack}?`
      : undefined,
  rehearse: (command) =>
    command.kind === 'rehearse' && command.depth === 'whole'
      ? `Really halt stage ${command.stage}, cut its ports, and start it again?`
      : `Really drain stage ${'stage' in command ? command.stage : ''}, and bring it back?`,
};

/** Sends one order to a running service. Exit status 0: taken; 1: refused, with the reason on standard error. */
export async function order(command: Command, options: OrderOptions): Promise<number> {
  const question = GRAVE[command.kind]?.(command);
  if (question !== undefined && !options.yes && !(await agreed(question))) {
    console.error('holdover: nothing was sent');
    return 1;
  }
  const service = serviceAt(options.url, options.tokenEnv);
  const { status, body } = await service.post<{ because?: string; detail?: string }>('/api/v1/commands', command);
  const accepted = status === 200;
  const because = body.because ?? body.detail ?? `the service answered ${status}`;
  if (options.json) console.log(JSON.stringify({ accepted, because }));
  else if (accepted) console.log(because);
  else console.error(`holdover: refused: ${because}`);
  return accepted ? 0 : 1;
}

async function agreed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UserError(`${question} Nobody is there to answer`, 'say --yes');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
