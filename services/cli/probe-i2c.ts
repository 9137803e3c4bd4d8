import { type I2cFinding, type I2cReport, probeI2c as probeBus } from '#bms';
import { BridgeError, i2cBusAt, i2cExchange } from '#bridge';
import { systemClock } from '../runtime/clock.ts';
import { UserError } from '../runtime/errors.ts';

export interface ProbedI2cOptions {
  readonly only?: readonly string[];
  readonly address?: number;
  readonly seconds: number;
  /** Shows what is being asked; nothing clears the line. */
  readonly told?: (what?: string) => void;
}

/** Looks who is on a bus. @throws UserError when there is none, or it is held */
export async function probedI2c(path: string, { seconds, ...options }: ProbedI2cOptions): Promise<I2cReport> {
  const over = new AbortController();
  const deadline = systemClock.sleep(seconds * 1000, over.signal).then(
    () => over.abort(new Error('its time is over')),
    () => undefined,
  );
  const bus = i2cExchange(i2cBusAt(path));
  try {
    return await probeBus(bus, { ...options, signal: over.signal });
  } catch (error) {
    if (error instanceof BridgeError)
      throw new UserError(error.message, 'is it /dev/i2c-1? `ls /dev/i2c-*` shows them');
    throw error;
  } finally {
    over.abort();
    await deadline;
    await bus.close();
  }
}

/** `holdover probe /dev/i2c-1`: who is on the bus. 0: a chip we know was found, 1: none. */
export async function probeI2c(path: string, options: ProbedI2cOptions & { readonly json: boolean }): Promise<number> {
  const { json, ...asked } = options;
  const report = await probedI2c(path, asked);
  options.told?.();
  if (json) console.log(JSON.stringify({ device: path, ...report }));
  else tell(path, report);
  return report.found.length > 0 ? 0 : 1;
}

const HOW_SURE = {
  sure: 'sure: it says who it is',
  likely: 'likely: it is as such a chip is made',
  perhaps: 'perhaps: its registers fit, and nothing proves whose they are',
} as const;

function tell(path: string, { found, strangers, taken, complete }: I2cReport): void {
  for (const finding of found) console.log(lines(path, finding).join('\n'));
  for (const address of taken) console.log(`${hex(address)}  a driver of the kernel holds it: read it there (hwmon)`);
  for (const address of strangers) console.log(`${hex(address)}  somebody answers${strangerWords(address)}`);
  if (!complete) console.error('holdover: its time was over: --seconds 300');
  if (found.length + strangers.length + taken.length === 0)
    console.error(
      `holdover: ${path}: nobody answers; are SDA and SCL swapped, has the chip power, are there pull-ups?`,
    );
}

function lines(path: string, { chip, title, certainty, address, says, fitsToo }: I2cFinding): string[] {
  const told = Object.entries(says).filter(([, value]) => typeof value === 'number' || typeof value === 'string');
  return [
    `${hex(address)}  ${chip}  ${title}`,
    `  ${HOW_SURE[certainty]}`,
    ...(fitsToo.length === 0 ? [] : [`  fits as well: ${fitsToo.join(', ')}`]),
    `  says: ${told.map(([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(5)) : value}`).join(', ')}`,
    `  via: { i2c: ${path} }, chip: ${chip}, address: ${hex(address)}`,
  ];
}

function strangerWords(address: number): string {
  if (address >= 0x70) return ': perhaps a multiplexer; chips behind it are not asked';
  if (address >= 0x20 && address <= 0x3f)
    return ': PSE controllers and relay boards share these addresses, so it is not asked; i2cdump shows its registers';
  return ', and is no chip we know';
}

const hex = (address: number): string => `0x${address.toString(16).padStart(2, '0')}`;
