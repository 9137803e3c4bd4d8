import { type Command, InvalidArgumentError } from 'commander';

/** Commands for the person at the bench: who is there, and a first configuration. */
export function addBench(program: Command, exit: (status: number) => void): void {
  program
    .command('probe')
    .description('says which driver answers on a port; sends reads only')
    .argument('<device>', 'serial port, tcp://host:port of a serial server, or modbus-tcp://host[:port]')
    .option('--driver <ids>', 'ask for these only, e.g. jbd,daly; all that may be asked unknown when absent')
    .option('--unit <unit>', 'Modbus unit, instead of the usual ones', whole(0, 255))
    .option('--scan', 'go on after the first answer: board numbers and units 1 to 16')
    .option('--seconds <seconds>', 'give up after this long', whole(1, 3600), 180)
    .option('--profiles <folder>', 'Modbus profiles of your own besides the built-in ones')
    .option('--json', 'what was found, as JSON')
    .addHelpText(
      'after',
      '\nExample: holdover probe /dev/ttyUSB0\n         holdover probe tcp://10.0.0.7:4001 --driver jk-pb',
    )
    .action(async (device, options) => exit(await (await import('./probe.ts')).probe(device, options)));
}

function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text.trim()) || value < min || value > max)
      throw new InvalidArgumentError(`a whole number from ${min} to ${max} is expected.`);
    return value;
  };
}
