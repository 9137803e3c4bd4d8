import {
  type Driver,
  driverFor,
  type ProbePlace,
  type ProbeReport,
  probe as probeLine,
  UnknownDriverError,
} from '#bms';
import { BridgeError, isI2cPath, modbusTcpExchange, transportAt } from '#bridge';
import { ownDrivers } from '../config/profiles.ts';
import { systemClock } from '../runtime/clock.ts';
import { UserError } from '../runtime/errors.ts';
import { findingLines, hintsFor, type ProbedKind, viaOf } from './probe-words.ts';

export interface ProbeCommandOptions {
  /** Drivers to ask, separated by commas; all when absent. */
  readonly driver?: string;
  readonly unit?: number;
  /** On I2C: only this one. */
  readonly address?: number;
  readonly scan?: boolean;
  readonly seconds: number;
  readonly profiles?: string;
  readonly json?: boolean;
}

/** The command `probe`: says which driver answers on a port. 0: somebody was found, 1: nobody. Only reads are sent. */
export async function probe(device: string, options: ProbeCommandOptions): Promise<number> {
  const own = ownDrivers(options.profiles);
  const show = process.stderr.isTTY && options.json !== true;
  const told = (what?: string): unknown =>
    show && process.stderr.write(`\r\x1b[K${what === undefined ? '' : `${device}: ${what}`}`);
  if (options.driver === 'poe-serial') {
    const { probePse } = await import('./probe-switch.ts');
    return probePse(device, { seconds: options.seconds, json: options.json ?? false, told });
  }
  const only = options.driver?.split(',').map((id) => known(id.trim(), own, isI2cPath(device)));
  const kind = kindOf(device);
  if (isI2cPath(device)) {
    const { probeI2c } = await import('./probe-i2c.ts');
    const { address, seconds, json = false } = options;
    const asked = { ...(only === undefined ? {} : { only }), ...(address === undefined ? {} : { address }) };
    return probeI2c(device, { ...asked, seconds, json, told });
  }
  const report = await probed(device, {
    ...(only === undefined ? {} : { only }),
    ...(options.unit === undefined ? {} : { units: [options.unit] }),
    scan: options.scan ?? false,
    more: own,
    seconds: options.seconds,
    told,
  });
  told();
  const hints = hintsFor(report, kind);
  const found = report.found.map((finding) => ({ ...finding, via: viaOf(finding, device, kind, own) }));
  if (options.json) console.log(JSON.stringify({ device, ...report, found, hints }));
  else tell(device, found, report, hints);
  return found.length > 0 ? 0 : 1;
}

export interface ProbedOptions {
  readonly only?: readonly string[];
  readonly units?: readonly number[];
  readonly more?: readonly Driver[];
  readonly scan?: boolean;
  readonly seconds: number;
  readonly told?: (what: string) => unknown;
}

/**
 * Probes one device, named as on the command line. @throws UserError for a port that cannot be opened
 */
export async function probed(device: string, { seconds, ...options }: ProbedOptions): Promise<ProbeReport> {
  const over = new AbortController();
  const deadline = systemClock.sleep(seconds * 1000, over.signal).then(
    () => over.abort(new Error('its time is over')),
    () => undefined,
  );
  const { place, close } = placeAt(device);
  try {
    return await probeLine(place, {
      ...options,
      signal: over.signal,
      now: () => systemClock.wallMs(),
      mono: () => systemClock.monoMs(),
    });
  } catch (error) {
    if (error instanceof BridgeError && (error.code === 'open' || error.code === 'closed'))
      throw new UserError(
        error.message,
        kindOf(device) === 'serial'
          ? 'is it plugged in, may you open it (group dialout), does nobody else have it?'
          : 'is the address right, and the bridge free? many serve one client at a time',
      );
    throw error;
  } finally {
    over.abort();
    await deadline;
    await close();
  }
}

/** What a device's name says of it: `modbus-tcp://host:port`, `tcp://host:port`, else the path of a serial port. */
export function kindOf(device: string): ProbedKind {
  if (device.startsWith('modbus-tcp://')) return 'modbus-tcp';
  return device.startsWith('tcp://') ? 'bridge' : 'serial';
}

function placeAt(device: string): { place: ProbePlace; close: () => Promise<void> } {
  const kind = kindOf(device);
  if (kind !== 'modbus-tcp')
    return { place: { kind, open: (line) => transportAt(device, line) }, close: () => Promise.resolve() };
  const bus = modbusTcpExchange(modbusTcpAddress(device), { tries: 1 });
  return { place: { kind, bus }, close: () => bus.close() };
}

/** Host and port of `modbus-tcp://host[:port]`; 502 when absent. @throws UserError when there is no host */
export function modbusTcpAddress(device: string): { host: string; port: number } {
  const url = URL.parse(device);
  if (url === null || url.hostname === '')
    throw new UserError(`${JSON.stringify(device)} names no host`, 'modbus-tcp://10.0.0.9:502');
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || 502 };
}

function known(id: string, own: readonly Driver[], onI2c: boolean): string {
  try {
    const { id: name, shape } = driverFor(id, own);
    if (shape === 'i2c' && !onI2c) throw new UserError(`${name} is a chip on I2C`, 'holdover probe /dev/i2c-1');
    if (shape !== 'i2c' && onI2c) throw new UserError(`${name} is not on I2C`, 'holdover probe /dev/ttyUSB0');
    return name;
  } catch (error) {
    if (error instanceof UnknownDriverError) throw new UserError(error.message);
    throw error;
  }
}

function tell(
  device: string,
  found: readonly (ProbeReport['found'][number] & { via: object })[],
  { strangers, asked }: ProbeReport,
  hints: readonly string[],
): void {
  for (const finding of found) console.log(findingLines(finding, finding.via).join('\n'));
  for (const { unit, baud } of strangers)
    console.log(`Modbus unit ${unit}${baud === undefined ? '' : ` at ${baud} baud`} answers, and fits no driver`);
  if (found.length > 0) return;
  console.error(`holdover: ${device}: nobody could be made out (${asked} asked)`);
  for (const hint of hints) console.error(`  try: ${hint}`);
}
