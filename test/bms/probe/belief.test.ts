import { describe, expect, it } from 'vitest';
import { driverFor } from '../../../bms/drivers/registry.ts';
import type { PackSample } from '../../../bms/model/sample.ts';
import { certainty } from '../../../bms/probe/belief.ts';
import { lent } from '../../../bms/probe/own-line.ts';
import { MemoryTransport } from '../../firmware-bridge/memory-transport.ts';

const pack = (values: Partial<PackSample>): PackSample => ({ kind: 'pack', measuredAtMs: 1, ...values });
const cells = (count: number, cellV: number): number[] => new Array<number>(count).fill(cellV);
const registers = driverFor('eg4-ll');

describe('how sure registers make', () => {
  it.each([
    ['cells add up to the voltage', pack({ voltageV: 52.8, cellsV: cells(16, 3.3) }), 'sure'],
    ['an empty LTO pack adds up too', pack({ voltageV: 21.6, cellsV: cells(12, 1.8) }), 'sure'],
    ['cells do not add up', pack({ voltageV: 48, cellsV: cells(16, 3.3) }), undefined],
    ['cells that none can have', pack({ voltageV: 80, cellsV: cells(16, 5) }), undefined],
    ['voltage and charge', pack({ voltageV: 26, socRatio: 0.5 }), 'likely'],
    ['a voltage that no small rack has', pack({ voltageV: 400, socRatio: 0.5 }), 'perhaps'],
    ['a voltage alone', pack({ voltageV: 26 }), 'perhaps'],
    ['nothing but zeros', pack({ voltageV: 0, socRatio: 0 }), undefined],
    ['a charge above all', pack({ voltageV: 26, socRatio: 1.4 }), undefined],
  ])('%s', (_, sample, expected) => {
    expect(certainty(registers, sample)).toBe(expected);
  });

  it.each([
    [{ voltageV: 110, frequencyHz: 60 }, 'likely'],
    [{ voltageV: 110, frequencyHz: 0 }, 'perhaps'],
    [{ frequencyHz: 60 }, undefined],
  ])('a meter that says %j', (values, expected) => {
    expect(certainty(driverFor('sdm230'), { kind: 'meter', measuredAtMs: 1, ...values })).toBe(expected);
  });

  it('a frame of its own proves itself, and a list of models that was walked', () => {
    expect(certainty(driverFor('jbd'), pack({ voltageV: 1 }))).toBe('sure');
    expect(certainty(driverFor('sunspec'), pack({ voltageV: 1 }))).toBe('sure');
    expect(certainty(driverFor('jbd'), pack({ voltageV: 5000 }))).toBeUndefined();
  });
});

describe('a line that is lent', () => {
  it('stays open when it is given back, and tells nothing more to whoever had it', async () => {
    const line = new MemoryTransport();
    await line.open();
    const heard: string[] = [];
    const first = lent(line);
    first.onData(() => heard.push('first'));
    first.onClosed(() => heard.push('closed'));
    await first.close();
    expect(line.isOpen).toBe(true);
    const second = lent(line);
    second.onData(() => heard.push('second'));
    line.say(Uint8Array.of(1));
    line.unplug();
    expect(heard).toEqual(['second']);
  });
});
