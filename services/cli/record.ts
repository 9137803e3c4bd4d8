import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { bindDevice, type Driver, driverAt, driverFor, UnknownDriverError } from '#bms';
import {
  type ByteTransport,
  byteExchange,
  isI2cPath,
  modbusRtuExchange,
  modbusTcpExchange,
  recordTransport,
  tcpTransport,
  transportAt,
} from '#bridge';
import { ownDrivers } from '../config/profiles.ts';
import { systemClock } from '../runtime/clock.ts';
import { messageOf, UserError } from '../runtime/errors.ts';
import { kindOf, modbusTcpAddress } from './probe.ts';
import { opened } from './record-file.ts';

/** The command `record`: asks a device as the service would and writes down every byte. Only reads are sent. */
export async function record(
  device: string,
  options: { driver: string; out: string; seconds: number; unit?: number; address?: number; profiles?: string },
): Promise<number> {
  const numbered = isI2cPath(device) ? undefined : options.address;
  const driver = lookUp(options.driver, numbered, ownDrivers(options.profiles));
  if (driver.shape === 'i2c') {
    if (!isI2cPath(device)) throw new UserError(`${driver.id} is a chip on I2C`, 'holdover record /dev/i2c-1 …');
    return (await import('./record-i2c.ts')).recordI2c(device, driver, options);
  }
  if (isI2cPath(device)) throw new UserError(`${driver.id} is not on I2C`, 'name a chip, such as --driver ina226');
  const wire = wireTo(device, driver);
  const file = createWriteStream(options.out, { flags: 'wx', mode: 0o644 });
  await opened(file, options.out);
  const transport = recordTransport(wire, {
    device,
    driver: driver.id,
    startedAtMs: systemClock.wallMs(),
    writeLine: (line) => file.write(`${line}\n`),
  });
  const bus = busOn(transport, kindOf(device) === 'modbus-tcp', driver);
  const bound = bindDevice(driver, 'record', bus, {
    now: () => systemClock.wallMs(),
    mono: () => systemClock.monoMs(),
    ...(options.unit === undefined ? {} : { unit: options.unit }),
  });
  const endMs = systemClock.monoMs() + options.seconds * 1000;
  let answers = 0;
  let failures = 0;
  console.error(`recording ${device} for ${options.seconds} s into ${options.out}`);
  while (systemClock.monoMs() < endMs) {
    try {
      await bound.poll();
      answers += 1;
    } catch (error) {
      failures += 1;
      if (failures === 1) console.error(`  ${messageOf(error)}`);
    }
    if (process.stderr.isTTY) process.stderr.write(`\r  ${answers} samples, ${failures} failures `);
    await systemClock.sleep(1000);
  }
  await bound.close();
  await bus.close();
  file.end();
  await finished(file);
  console.error(`\n${answers} samples, ${failures} failures`);
  return answers > 0 ? 0 : 1;
}

type Wired = Exclude<Driver, { readonly shape: 'i2c' }>;

/** @throws UserError for Modbus TCP with a driver that speaks no Modbus */
function wireTo(device: string, driver: Wired): ByteTransport {
  if (kindOf(device) !== 'modbus-tcp') return transportAt(device, driver.line);
  if (driver.shape !== 'registers')
    throw new UserError(`driver ${driver.id} does not speak Modbus`, 'a serial port or tcp://host:port');
  return tcpTransport(modbusTcpAddress(device));
}

function busOn(transport: ByteTransport, isModbusTcp: boolean, driver: Wired) {
  if (isModbusTcp) return modbusTcpExchange(transport);
  if (driver.shape === 'registers') return modbusRtuExchange(transport, { gapMs: driver.gapMs });
  return byteExchange(transport, driver.shape === 'exchange' ? driver : { gapMs: 0, timeoutMs: 1000, tries: 1 });
}

function lookUp(id: string, address: number | undefined, own: readonly Driver[]): Driver {
  try {
    const driver = driverFor(id, own);
    return address === undefined ? driver : driverAt(driver, address);
  } catch (error) {
    if (error instanceof UnknownDriverError || error instanceof RangeError) throw new UserError(error.message);
    throw error;
  }
}
