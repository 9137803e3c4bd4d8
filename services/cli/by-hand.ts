import { Argument, type Command as CliCommand, InvalidArgumentError, Option } from 'commander';
import type { Command } from '../shutdown/state.ts';
import type { OrderOptions } from './order.ts';

/** What a person does by hand: orders to a running service, and the drill. */

type Exit = (status: number) => void;

export function addByHand(program: CliCommand, exit: Exit): void {
  addOrder(program, exit);
  addDrill(program, exit);
}

function addOrder(program: CliCommand, exit: Exit): void {
  const group = program
    .command('order')
    .description('orders to a running service; every one is answered, and in the journal with its author')
    .addHelpText(
      'after',
      `
Example: export HOLDOVER_TOKEN=…
         holdover order hold 10m
         holdover order skip pi7
         holdover order rehearse batch --whole`,
    );
  const add = (usage: string, description: string, example = ''): CliCommand => {
    const command = group
      .command(usage)
      .description(description)
      .option('--url <url>', 'where the service listens', 'http://127.0.0.1:8470')
      .option('--token-env <name>', 'environment variable with a token that may write', 'HOLDOVER_TOKEN')
      .option('--yes', 'do not ask')
      .option('--json', 'the answer as JSON')
      .addHelpText('after', `\nExample: holdover order ${usage}${example}`);
    return command.exitOverride();
  };
  const send = async (command: Command, options: OrderOptions): Promise<void> =>
    exit(await (await import('./order.ts')).order(command, options));

  add('begin', 'shut every stage down now')
    .option('--on-mains', 'also while mains is there; everything stays down until an abort')
    .action((options) => send({ kind: 'begin', ...(options.onMains === true ? { onMains: true } : {}) }, options));
  add('hold', 'for so long only an empty battery may begin a stage', ' 10m')
    .argument('<duration>', 'such as 90s, 10m, 1h; at most an hour', holdS)
    .action((forS, options) => send({ kind: 'hold', forS }, options));
  add(
    'abort',
    'turn a shutdown round, end a rehearsal or a shutdown on mains, or overrule a UPS that orders one',
  ).action((options) => send({ kind: 'abort' }, options));
  add('skip', 'leave one host alone until mains is back', ' pi7')
    .argument('<host>')
    .action((host, options) => send({ kind: 'skip', host }, options));
  add('unskip', 'let a host that was skipped take part again', ' pi7')
    .argument('<host>')
    .action((host, options) => send({ kind: 'unskip', host }, options));
  add('take-over', 'say how a host is that holdover could not bring where it should be', ' pi7 --as up')
    .argument('<host>')
    .addOption(new Option('--as <state>', 'how it is').choices(['up', 'off']).makeOptionMandatory())
    .action((host, options) => send({ kind: 'take-over', host, as: options.as }, options));
  add('power-cycle', 'switch the port of a hung host off and on', ' pi7')
    .argument('<host>')
    .option('--force', 'also when it answers on the network')
    .action((host, options) => send({ kind: 'power-cycle', host, force: options.force === true }, options));
  add('lease', 'of two management nodes, let this one act from now on, or the other one', ' take')
    .addArgument(new Argument('<what>', 'take: this one; give: the other one').choices(['take', 'give']))
    .option('--force', 'take it although the broker does not answer; only when the other node is certainly down')
    .action((what, options) => send({ kind: 'lease', do: what, force: options.force === true }, options));
  add('board', 'switch something of the board of a pack; the journal tells what came of it', ' lfp1 balancing on')
    .argument('<pack>')
    .addArgument(new Argument('<what>', 'what to switch').choices(['charge', 'discharge', 'balancing']))
    .addArgument(new Argument('<state>', 'how').choices(['on', 'off']))
    .option('--force', 'discharge off although something may live from the pack')
    .action((pack, what, state, options) =>
      send({ kind: 'switch-board', pack, what, on: state === 'on', force: options.force === true }, options),
    );
  add('rehearse', 'really drain one stage on mains and bring it back', ' batch')
    .argument('<stage>')
    .option('--whole', 'also halt its hosts, cut their ports, and start them again')
    .action((stage, options) => send({ kind: 'rehearse', stage, depth: options.whole ? 'whole' : 'drain' }, options));
}

const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

function holdS(text: string): number {
  const match = /^(\d+)(s|m|h)$/.exec(text);
  const seconds = Number(match?.[1]) * (UNIT_S[match?.[2] ?? ''] ?? Number.NaN);
  if (!(seconds >= 1 && seconds <= 3600)) throw new InvalidArgumentError('expected a duration from 1s to 1h.');
  return seconds;
}

function addDrill(program: CliCommand, exit: Exit): void {
  program
    .command('drill')
    .description('your own configuration against a simulated outage, in virtual time; nothing is touched')
    .requiredOption('--config <file>', 'configuration file')
    .option('--outage <duration>', 'how long mains stays away', '45m')
    .option('--soc <ratio>', 'charge at the beginning, 0..1; full when absent')
    .option('--load <watts>', 'what the bank feeds in all; powerW of the hosts and the losses on the way when absent')
    .option('--truth <ratio>', 'what the packs really hold, as a share of what the configuration says')
    .option('--faults <list>', 'silent:<pack|meter|switch|api>,hang:<host>,disobey:<switch>,stuck:<node|all>')
    .option('--url <url>', 'take charge and draws from the service that runs there')
    .option('--token-env <name>', 'environment variable with a token, where reading needs one')
    .option('--json', 'verdict, findings and everything that happened, as JSON')
    .addHelpText(
      'after',
      `
Exit status 1 when the outage would not end well.

Example: holdover drill --config /etc/holdover/holdover.yaml --outage 2h
         holdover drill --config holdover.yaml --url http://127.0.0.1:8470 --faults hang:pi3,silent:api`,
    )
    .action(async (options) => exit(await (await import('./drill.ts')).drill(options)));
}
