import type { Command } from 'commander';
import type { BoardKind } from '../twin/devices/boards/index.ts';
import { between, whole } from './numbers.ts';

/** Commands for the person at the bench: who is there, and a first configuration. */
export function addBench(program: Command, exit: (status: number) => void): void {
  program
    .command('probe')
    .description('says which driver answers on a port; sends reads only')
    .argument('<device>', 'serial port, tcp://host:port of a serial server, modbus-tcp://host[:port], or /dev/i2c-1')
    .option(
      '--driver <ids>',
      'ask for these only, e.g. jbd,daly, or poe-serial alone; all that may be asked unknown when absent',
    )
    .option('--unit <unit>', 'Modbus unit, instead of the usual ones', whole(0, 255))
    .option('--address <address>', 'on I2C: only this one, e.g. 0x40', between(0x08, 0x77))
    .option('--scan', 'go on after the first answer: board numbers and units 1 to 16')
    .option('--seconds <seconds>', 'give up after this long', whole(1, 3600), 180)
    .option('--profiles <folder>', 'Modbus profiles of your own besides the built-in ones')
    .option('--json', 'what was found, as JSON')
    .addHelpText(
      'after',
      '\nExample: holdover probe /dev/ttyUSB0\n         holdover probe tcp://10.0.0.7:4001 --driver jk-pb',
    )
    .action(async (device, options) => exit(await (await import('./probe.ts')).probe(device, options)));
  program
    .command('init')
    .description('looks for devices and writes a first configuration; overwrites nothing')
    .option('--out <file>', 'where it goes', 'holdover.yaml')
    .option(
      '--device <devices...>',
      'probe these (serial ports, tcp://…, modbus-tcp://…, /dev/i2c-1) instead of the ports found here',
    )
    .option('--snmp <hosts...>', 'PoE switches with SNMP')
    .option('--kubeconfig <file>', 'instead of looking at the usual places')
    .option('--name <text>', 'what the site is called; the name of this machine when absent')
    .option('--volts <volts>', 'of the branch circuit', whole(100, 250), 110)
    .option('--amps <amperes>', 'of its breaker', whole(1, 125), 20)
    .option('--probe', 'ask on the serial ports found here, without a question before')
    .option('--non-interactive', 'ask nobody anything')
    .option('--seconds <seconds>', 'longest for one device', whole(1, 3600), 120)
    .addHelpText(
      'after',
      '\nExample: holdover init --out /etc/holdover/holdover.yaml\n         holdover init --non-interactive --device /dev/ttyUSB0 modbus-tcp://10.0.0.9 --snmp 10.0.0.2',
    )
    .action(async (options) => exit(await (await import('./init.ts')).init(options)));
}

/** Boards that `emulate` plays; the same kinds as `BOARDS` of the twin, which is loaded only when needed. */
const BOARDS = {
  daly: 'a classic Daly board (A5 frames)',
  'daly-modbus': 'a Daly board at Modbus unit 210',
  'daly-p81': 'a Daly H, K, M or S board',
  diybms: 'a ring of diyBMS cell modules',
  'jbd-up': 'a JBD UP16S rack pack',
  jk: 'a JK board on its GPS port',
  'jk-pb': 'a JK PB board on RS485; jk-modbus reads it too',
  pace: 'a Pace BMS on RS232',
  'pace-modbus': 'a Pace BMS on RS485 (Modbus)',
  pylontech: 'a Pylontech module as master of its string',
  'renogy-battery': 'a Renogy battery on RS485',
  seplos: 'a Seplos V2 board',
  'seplos-v3': 'a Seplos V3 board (Modbus)',
  've-direct': 'a Victron SmartShunt that talks by itself',
  voltronic: 'a Voltronic inverter (PI30)',
} as const satisfies Record<BoardKind, string>;

/** The kinds of `emulate` that are boards on a serial line, and the one that is made of captures. */
export function addEmulatedBoards(emulate: Command, exit: (status: number) => void): void {
  for (const [kind, what] of Object.entries(BOARDS))
    placed(emulate.command(kind).description(what))
      .option('--fast <factor>', 'run the world this many times faster', whole(1, 60), 1)
      .option('--outage-after <seconds>', 'world time until mains fails; never when absent', whole(1, 86_400))
      .option('--soc <percent>', 'state of charge at the beginning', whole(5, 100))
      .addHelpText('after', `\nExample: holdover emulate ${kind} --pty`)
      .action(async ({ soc, ...options }) => {
        const { emulateBoard } = await import('./emulate-board.ts');
        exit(await emulateBoard(kind as BoardKind, { ...options, ...(soc === undefined ? {} : { soc: soc / 100 }) }));
      });
  emulate
    .command('i2c')
    .description('an I2C bus with the chips of a pack without a BMS, and two PSE controllers')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <port>', 'a free one when absent', whole(0, 65_535))
    .option('--fast <factor>', 'run the world this many times faster', whole(1, 60), 1)
    .option('--outage-after <seconds>', 'world time until mains fails; never when absent', whole(1, 86_400))
    .addHelpText(
      'after',
      '\nPrints a pack and a switch for the configuration.\nExample: holdover emulate i2c --port 4100',
    )
    .action(async (options) => exit(await (await import('./emulate-i2c.ts')).emulateI2c(options)));
  placed(emulate.command('replay').description('a device that answers as it was captured'))
    .requiredOption('--fixture <file>', 'captures as in test/fixtures/bms, or what `holdover record` wrote')
    .option('--protocol <name>', 'of a file with several: the protocol or profile that is meant')
    .option('--baud <rate>', 'how fast its bytes leave', whole(300, 1_000_000), 9600)
    .addHelpText('after', '\nExample: holdover emulate replay --fixture jbd.jsonl --pty')
    .action(async (options) => exit(await (await import('./emulate-board.ts')).emulateReplay(options)));
}

const placed = (command: Command): Command =>
  command
    .option('--path <device>', 'serial port or pty to answer on, instead of TCP')
    .option('--pty', 'make a pair of ptys, needs socat; prints the end to ask on')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <port>', 'a free one when absent', whole(0, 65_535));
