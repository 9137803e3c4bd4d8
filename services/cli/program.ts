import { Command, CommanderError, Option } from 'commander';
import { messageOf, UserError } from '../runtime/errors.ts';
import { VERSION } from '../version.ts';
import { addBench, addEmulatedBoards } from './bench-commands.ts';
import { addByHand } from './by-hand.ts';
import type { DeviceKind } from './emulate.ts';
import { addEmulatedHosts } from './emulate-host-commands.ts';
import { addEmulatedSwitches, RACK_SWITCHES } from './emulate-switch-commands.ts';
import { between } from './numbers.ts';

/** The command line. Each command loads what it needs when it is called, so that none waits for the others. */

type Exit = (status: number) => void;

/** Runs one command; resolves with the exit status: 0 done, 1 failed, 2 the input was wrong. */
export async function main(argv: readonly string[]): Promise<number> {
  let status = 0;
  const program = build((code) => {
    status = code;
  });
  try {
    await program.parseAsync([...argv]);
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UserError) {
      console.error(`holdover: ${error.message}`);
      if (error.hint !== undefined) console.error(`  try: ${error.hint}`);
      return 2;
    }
    console.error(`holdover: ${messageOf(error)}`);
    if (process.env.HOLDOVER_TRACE !== undefined) console.error(error);
    return 1;
  }
}

function build(exit: Exit): Command {
  const program = new Command('holdover')
    .description('Power and UPS management for the personal micro datacenter.')
    .version(VERSION)
    .exitOverride()
    .enablePositionalOptions();
  addDemo(program, exit);
  addRun(program, exit);
  addAgent(program, exit);
  addCheck(program, exit);
  addStatus(program, exit);
  addNotify(program, exit);
  addByHand(program, exit);
  addBench(program, exit);
  addDecode(program, exit);
  addRecord(program, exit);
  addEmulate(program, exit);
  addPlan(program, exit);
  settle(program, 'holdover');
  return program;
}

/** Of a command and all below it: a mistake ends in an error of ours, and names the help of the command it was made in. */
function settle(command: Command, path: string): void {
  command.exitOverride().showHelpAfterError(`(${path} --help shows what there is)`);
  for (const each of command.commands) settle(each, `${path} ${each.name()}`);
}

const logLevel = (): Option =>
  new Option('--log-level <level>', 'what to log on standard error')
    .choices(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info');

function addDemo(program: Command, exit: Exit): void {
  program
    .command('demo')
    .description('a simulated rack on real wire protocols, driven by the real service: watch it ride through an outage')
    .option('--port <port>', 'port of the web page; 8470, or a free one when that is taken', port)
    .option('--fast <factor>', 'run the world this many times faster (1..60)', between(1, 60), 1)
    .option('--outage-after <seconds>', 'world time until mains fails', between(1, 3600), 20)
    .option('--outage <seconds>', 'how long mains stays away; until the rack is dark when absent', between(1, 86_400))
    .option('--headless', 'no live display, one line per event')
    .option('--json', 'the summary, as the last line, is JSON')
    .option('--keep', 'keep the folder with configuration, journal and logs')
    .addHelpText(
      'after',
      '\nExample: holdover demo --fast 5\n         holdover demo --headless --json --fast 20 | tail -1',
    )
    .action(async (options) => exit(await (await import('./demo.ts')).demo(options)));
}

function addRun(program: Command, exit: Exit): void {
  program
    .command('run')
    .description('the service')
    .requiredOption('--config <file>', 'configuration file')
    .addOption(logLevel())
    .addOption(new Option('--clock-speed <factor>').argParser(between(1, 60)).default(1).hideHelp())
    .addHelpText('after', '\nExample: holdover run --config /etc/holdover/holdover.yaml')
    .action(async (options) => {
      (await import('../runtime/small-heap.ts')).keepHeapSmall();
      exit(await (await import('./run.ts')).run(options));
    });
}

function addAgent(program: Command, exit: Exit): void {
  program
    .command('agent')
    .description('on a machine that is to be halted: fetches the order from the service and obeys it')
    .requiredOption('--config <file>', 'the agent’s own configuration file')
    .option('--dry-run', 'take orders, but halt nothing')
    .addHelpText(
      'after',
      `
Its file, with the host as the service calls it and the token of its halt: { agent: … }:
  service: http://10.0.0.5:8470
  host: nuc1
  token: { file: /etc/holdover/agent-token }
  command: [/usr/bin/systemctl, poweroff]

Example: holdover agent --config /etc/holdover/agent.yaml`,
    )
    .action(async (options) => {
      (await import('../runtime/small-heap.ts')).keepHeapSmall();
      exit(await (await import('./agent.ts')).agent(options));
    });
}

function addCheck(program: Command, exit: Exit): void {
  program
    .command('check')
    .description('validates a configuration: path, value, what was expected, what to try')
    .argument('<file>', 'configuration file')
    .option('--json', 'problems as JSON')
    .addHelpText('after', '\nExample: holdover check holdover.yaml')
    .action(async (file, options) => exit((await import('./check.ts')).check(file, options)));
}

function addStatus(program: Command, exit: Exit): void {
  program
    .command('status')
    .description('one look at a running service: battery, mains, schedule, hosts')
    .option('--url <url>', 'where the service listens', 'http://127.0.0.1:8470')
    .option('--token-env <name>', 'environment variable with a token, where reading needs one')
    .option('--json', 'everything, as JSON')
    .addHelpText('after', '\nExample: holdover status --url http://127.0.0.1:8470')
    .action(async (options) => exit(await (await import('./status.ts')).status(options)));
}

function addNotify(program: Command, exit: Exit): void {
  const notify = program.command('notify').description('those who are told of outages').exitOverride();
  notify
    .command('test')
    .description('sends one message over every channel and says what came back')
    .requiredOption('--config <file>', 'configuration file')
    .option('--channel <id>', 'this channel only')
    .option('--json', 'the answers, as JSON')
    .addHelpText('after', '\nExample: holdover notify test --config /etc/holdover/holdover.yaml')
    .action(async (options) => exit(await (await import('./notify.ts')).notifyTest(options)));
  for (const command of notify.commands) command.exitOverride();
}

function addDecode(program: Command, exit: Exit): void {
  program
    .command('decode')
    .description('one recorded exchange per line of JSON in, what it says per line of JSON out')
    .argument('<driver>', 'driver that knows the protocol, e.g. jbd, or of a switch, e.g. poe-serial')
    .option('--profiles <folder>', 'Modbus profiles of your own besides the built-in ones')
    .addHelpText(
      'after',
      `\nExample: echo '{"request_hex":"dda50400fffc77","response_hex":"dd0400080f450f3d0f370f3dfec677"}' | holdover decode jbd`,
    )
    .action(async (driver, { profiles }) => {
      const { decodeStream } = await import('./decode.ts');
      const { ownDrivers, ownMappings } = await import('../config/profiles.ts');
      const own = [ownDrivers(profiles), ownMappings(profiles)] as const;
      exit(await decodeStream(driver, process.stdin, process.stdout, process.stderr, ...own));
    });
}

function addRecord(program: Command, exit: Exit): void {
  program
    .command('record')
    .description('captures real traffic of a device as a fixture')
    .argument('<device>', 'serial port, tcp://host:port, modbus-tcp://host[:port], or /dev/i2c-1')
    .requiredOption('--driver <driver>', 'driver that asks the questions')
    .requiredOption('--out <file>', 'where the recording goes')
    .option('--seconds <seconds>', 'how long', between(1, 86_400), 30)
    .option('--unit <unit>', 'Modbus unit', between(0, 247))
    .option('--address <number>', 'number of the board on its line, or of the chip on I2C', between(0, 255))
    .option('--profiles <folder>', 'Modbus profiles of your own besides the built-in ones')
    .addHelpText('after', '\nExample: holdover record /dev/ttyUSB0 --driver jbd --out jbd.jsonl')
    .action(async (device, options) => exit(await (await import('./record.ts')).record(device, options)));
}

function addEmulate(program: Command, exit: Exit): void {
  const emulate = program
    .command('emulate')
    .description('the device side, for people without the hardware')
    .exitOverride();
  emulate
    .command('rack')
    .description('the whole simulated rack of the demo; prints addresses and a configuration for `holdover run`')
    .option('--dir <folder>', 'where configuration and keys go; a new temporary folder when absent')
    .option('--fast <factor>', 'run the world this many times faster', between(1, 60), 1)
    .option('--http-port <port>', 'port of the service in the configuration', port, 8470)
    .option('--control-port <port>', 'port of the control that moves the world; a free one when absent', port)
    .addOption(new Option('--bms <wire>', 'how the BMS is reached').choices(['auto', 'pty', 'tcp']).default('auto'))
    .addOption(new Option('--poe <switch>', 'another switch than one on SNMP').choices(RACK_SWITCHES))
    .option('--soc <ratio>', 'state of charge at the beginning', between(0.05, 1))
    .option('--seed <number>', 'another rack of the same kind', between(0, 2 ** 31))
    .addHelpText('after', '\nExample: holdover emulate rack --dir /tmp/rack')
    .action(async (options) => exit(await (await import('./emulate.ts')).emulateRack(options)));
  for (const [kind, what] of Object.entries(EMULATED)) {
    const command = emulate
      .command(kind)
      .description(what)
      .option('--host <address>', 'where to listen', '127.0.0.1')
      .option('--fast <factor>', 'run the world this many times faster', between(1, 60), 1)
      .option('--outage-after <seconds>', 'world time until mains fails; never when absent', between(1, 86_400))
      .addHelpText('after', `\nExample: holdover emulate ${kind}`);
    // Every machine needs a port of its own; these are always free ones.
    if (kind !== 'ssh') command.option('--port <port>', 'a free one when absent', port);
    if (kind === 'jbd') command.option('--path <device>', 'serial port or pty to answer on, instead of TCP');
    if (kind === 'poe-snmp') command.option('--community <text>', 'community that may write', 'private');
    if (kind === 'ssh' || kind === 'kubernetes') command.option('--dir <folder>', 'where the key or kubeconfig goes');
    command.action(async (options) => {
      const { emulateDevice } = await import('./emulate.ts');
      exit(await emulateDevice(kind as keyof typeof EMULATED, options));
    });
  }
  addEmulatedSwitches(emulate, exit);
  addEmulatedBoards(emulate, exit);
  addEmulatedHosts(emulate, exit);
  for (const command of emulate.commands) command.exitOverride();
}

function addPlan(program: Command, exit: Exit): void {
  program
    .command('plan')
    .description(
      'the circuit and the battery on paper: does it fit, how long does it run, which pack, how long does it live',
    )
    .argument('[args...]', 'command and options of the planner')
    // The planner has a command line of its own, also without us: every word goes there, --help too.
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (args: readonly string[]) => exit(await (await import('./plan.ts')).plan(args)));
}

/** Faces that can be had one by one; the same kinds as `DeviceKind` of emulate.ts, which is loaded only when needed. */
const EMULATED = {
  jbd: 'a JBD BMS with a 16s LiFePO4 pack behind it',
  sdm230: 'an Eastron SDM230 meter on Modbus TCP',
  'poe-snmp': 'a 24-port PoE switch on SNMP (RFC 3621)',
  kubernetes: 'a Kubernetes API with nodes, pods and budgets on HTTP',
  ssh: 'twenty machines that can be halted over SSH',
} as const satisfies Record<DeviceKind, string>;

function port(text: string): number {
  return between(0, 65_535)(text);
}
