import { describe, expect, it } from 'vitest';
import { bindDevice } from '../../bms/bind.ts';
import { parseProfile } from '../../bms/drivers/load-profiles.ts';
import { driverFor } from '../../bms/drivers/registry.ts';
import { BridgeError, type RegisterExchange, type RegisterRead } from '../../firmware-bridge/index.ts';

/** Registers by unit and address; everything else is 0, a unit without any is not there. */
class Gateway implements RegisterExchange {
  readonly name = 'gateway';
  readonly stats = { requests: 0, answers: 0, timeouts: 0, refusals: 0, strayBytes: 0, reconnects: 1 };
  readonly asked: string[] = [];
  readonly units: Record<number, Record<number, number>>;

  constructor(units: Record<number, Record<number, number>>) {
    this.units = units;
  }

  async read({ unit, address, count }: RegisterRead): Promise<Uint16Array> {
    this.asked.push(`${unit}:${address}+${count}`);
    const registers = this.units[unit];
    if (registers === undefined)
      throw new BridgeError('refused', this.name, 'exception 10', { reason: 'exception', retryable: false });
    return Uint16Array.from({ length: count }, (_, at) => registers[address + at] ?? 0);
  }

  async close(): Promise<void> {}
}

const inverter = { 3: 1187, 15: 1186, 26: 5209, 29: 0, 30: 876, 31: 8 };
const bound = (gateway: Gateway, more: object = {}) =>
  bindDevice(driverFor('victron-gx-vebus'), 'multi', gateway, { now: () => 1, mono: () => 0, ...more });

describe('a profile whose registers lie in several units', () => {
  it('asks each where it is', async () => {
    const gateway = new Gateway({ 227: inverter, 100: { 826: 1 } });
    expect(await bound(gateway).poll()).toMatchObject({
      kind: 'ups',
      mainsPresent: true,
      inputVoltageV: 118.7,
      outputVoltageV: 118.6,
      batteryVoltageV: 52.09,
      socRatio: 0.876,
      mode: 'passthru',
      lowBattery: false,
    });
    expect(gateway.asked).toEqual(['227:3+34', '100:826+1']);
  });

  it('believes the system when it says that nothing is connected', async () => {
    const sample = await bound(new Gateway({ 227: inverter, 100: { 826: 240 } })).poll();
    expect(sample).toMatchObject({ mainsPresent: false });
    expect(await bound(new Gateway({ 227: { ...inverter, 29: 240 }, 100: {} })).poll()).toMatchObject({
      mainsPresent: false,
    });
  });

  it('lives without the one that is not there', async () => {
    const gateway = new Gateway({ 227: { ...inverter, 29: 240 } });
    expect(await bound(gateway).poll()).toMatchObject({ mainsPresent: false });
  });

  it('takes other numbers from the configuration', async () => {
    const gateway = new Gateway({ 242: inverter, 99: { 826: 1 } });
    await bound(gateway, { unit: 242, units: { system: 99 } }).poll();
    expect(gateway.asked).toEqual(['242:3+34', '99:826+1']);
  });

  it('names a unit that its transport does not have', () => {
    const text =
      'profile: a\ntitle: A\nnote: a\nmeasures: ups\ntransport: { baud: 9600 }\nregisters: { voltageV: { addr: 0, unit: other } }';
    expect(() => parseProfile(text, 'a.yaml')).toThrow('registers.voltageV.unit: transport.units has no other');
  });
});
