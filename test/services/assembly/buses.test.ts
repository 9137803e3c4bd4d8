import { afterEach, describe, expect, it } from 'vitest';
import { driverFor } from '#bms';
import { Buses, splitHostPort } from '../../../services/assembly/buses.ts';
import { deviceSource, hostSource, switchSource } from '../../../services/assembly/sources.ts';
import type { MeterConfig, PackConfig, Via } from '../../../services/config/schema.ts';
import { UserError } from '../../../services/runtime/errors.ts';
import { PlayedClock } from '../runtime/played-clock.ts';

/** Nothing is opened here: an exchange opens its line with its first question. */

const clock = new PlayedClock();
const opened: Buses[] = [];
const newBuses = (): Buses => {
  const buses = new Buses();
  opened.push(buses);
  return buses;
};
afterEach(async () => {
  for (const buses of opened.splice(0)) await buses.close();
});

const thrownBy = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('a line', () => {
  it.each<[string, string, Via, Via]>([
    ['Modbus RTU with two units', 'sdm230', { modbusRtu: '/dev/a', unit: 1 }, { modbusRtu: '/dev/a', unit: 2 }],
    ['Modbus TCP with two units', 'sdm230', { modbusTcp: 'h:502', unit: 1 }, { modbusTcp: 'h:502', unit: 2 }],
    ['bytes over TCP', 'jbd', { tcp: 'h:4001' }, { tcp: 'h:4001' }],
    ['a serial port', 'jbd', { serial: '/dev/a' }, { serial: '/dev/a' }],
    ['RTU over a serial server, in both ways to write it', 'sdm230', { tcp: 'h:4001' }, { modbusRtu: 'tcp://h:4001' }],
  ])('has one exchange for all its devices: %s', (_, driver, one, other) => {
    const buses = newBuses();
    expect(buses.for(driverFor(driver), one, 'a')).toBe(buses.for(driverFor(driver), other, 'b'));
  });

  it('has one exchange also for two drivers that speak the same', () => {
    const buses = newBuses();
    const via = { modbusRtu: '/dev/a' };
    expect(buses.for(driverFor('eg4-ll'), via, 'a')).toBe(buses.for(driverFor('sdm230'), via, 'b'));
  });

  it('of its own has an exchange of its own', () => {
    const buses = newBuses();
    const jbd = driverFor('jbd');
    expect(buses.for(jbd, { serial: '/dev/a' }, 'a')).not.toBe(buses.for(jbd, { serial: '/dev/b' }, 'b'));
  });

  it.each<[string, [string, Via], [string, Via]]>([
    ['two protocols', ['jbd', { serial: '/dev/a' }], ['ve-direct', { serial: '/dev/a' }]],
    ['Modbus and another', ['sdm230', { modbusRtu: '/dev/a' }], ['jbd', { serial: '/dev/a' }]],
    ['two speeds', ['jbd', { serial: '/dev/a' }], ['jbd', { serial: '/dev/a', baud: 115_200 }]],
    ['Modbus TCP and RTU', ['sdm230', { modbusTcp: 'h:502' }], ['sdm230', { tcp: 'h:502' }]],
  ])('is refused to %s, and both are named', (_, one, other) => {
    const buses = newBuses();
    buses.for(driverFor(one[0]), one[1], 'pack a');
    const error = thrownBy(() => buses.for(driverFor(other[0]), other[1], 'pack b'));
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toMatch(/^pack b: .* is used as .* already$/);
    expect((error as UserError).hint).toBeDefined();
  });

  it('can be had anew after all were closed', async () => {
    const buses = newBuses();
    const jbd = driverFor('jbd');
    const before = buses.for(jbd, { serial: '/dev/a' }, 'a');
    await buses.close();
    expect(buses.for(jbd, { serial: '/dev/a' }, 'a')).not.toBe(before);
  });
});

describe('host and port', () => {
  it.each([
    ['10.0.0.9:502', { host: '10.0.0.9', port: 502 }],
    ['[::1]:502', { host: '::1', port: 502 }],
    ['meter.lan:1', { host: 'meter.lan', port: 1 }],
  ])('%s', (text, expected) => {
    expect(splitHostPort(text)).toEqual(expected);
  });
});

describe('a source', () => {
  const make = (kind: 'pack' | 'meter', driver: string, via: Via) =>
    deviceSource(kind, { id: 'a', driver, via, every: 2 } as PackConfig & MeterConfig, newBuses(), clock, clock);

  it('is made of a device, with its interval', () => {
    expect(make('pack', 'jbd', { serial: '/dev/a' })).toMatchObject({ id: 'a', kind: 'pack', everyMs: 2000 });
  });

  it.each<[string, 'pack' | 'meter', string, Via, RegExp]>([
    ['a driver nobody has', 'pack', 'jdb', { serial: '/x' }, /pack a: no driver is called "jdb"; did you mean jbd/],
    ['a pack among the meters', 'meter', 'jbd', { serial: '/x' }, /meter a: driver jbd reads a pack/],
    ['a meter among the packs', 'pack', 'sdm230', { modbusRtu: '/x' }, /pack a: driver sdm230 reads a meter/],
    ['no Modbus on Modbus RTU', 'pack', 'jbd', { modbusRtu: '/x' }, /pack a: driver jbd does not speak Modbus/],
  ])('is refused to the user: %s', (_, kind, driver, via, message) => {
    const error = thrownBy(() => make(kind, driver, via));
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toMatch(message);
  });

  // Found a fault: this is a TypeError of another room, so the command ends with 1 and without a hint.
  it('is refused to the user: no Modbus on Modbus TCP', () => {
    expect(thrownBy(() => make('pack', 'jbd', { modbusTcp: 'h:502' }))).toBeInstanceOf(UserError);
  });

  it('reads a switch and rejects as the switch does', async () => {
    const poe = {
      id: 'sw1',
      read: () => Promise.reject(new Error('no answer')),
      setPorts: () => Promise.resolve([]),
      close: () => Promise.resolve(),
    };
    const source = switchSource(poe, 3);
    expect(source).toMatchObject({ id: 'sw1', kind: 'switch', everyMs: 3000 });
    await expect(source.poll(new AbortController().signal)).rejects.toThrow('no answer');
  });

  it('asks a host more often when it matters, and a probe that cannot ask is no silence of the host', async () => {
    let hurried = false;
    let reachable: () => Promise<boolean> = () => Promise.resolve(false);
    const host = {
      id: 'pi1',
      halt: () => Promise.resolve({ code: 'done' as const }),
      wake: () => Promise.resolve({ code: 'done' as const }),
      reachable: () => reachable(),
    };
    const source = hostSource(host, clock, () => hurried);
    expect(source.everyMs).toBe(5000);
    hurried = true;
    expect(source.everyMs).toBe(1000);
    const { signal } = new AbortController();
    expect(await source.poll(signal)).toMatchObject({ kind: 'host', reachable: false });
    reachable = () => Promise.reject(new Error('network is unreachable'));
    await expect(source.poll(signal)).rejects.toThrow('unreachable');
  });
});
