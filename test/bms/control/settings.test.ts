import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bindDevice } from '../../../bms/bind.ts';
import { jbd } from '../../../bms/drivers/jbd.ts';
import type { PackSample } from '../../../bms/index.ts';
import { BridgeError, byteExchange } from '../../../firmware-bridge/index.ts';
import { nextRequest, reply } from '../../../services/twin/devices/jbd-frames.ts';
import { JbdSettings } from '../../../services/twin/devices/jbd-settings.ts';
import { MemoryTransport, outcome } from '../../firmware-bridge/memory-transport.ts';
import { smallWorld } from '../../services/twin/small-world.ts';

const BLOCK = 0xfa;
const FACTORY = 0x00;

/** A board whose firmware knows no blocks of parameters; `password`: it does not let anybody into factory mode either. */
function olderBoard(password = false) {
  const { pack } = smallWorld();
  const settings = new JbdSettings(pack.cells);
  const board = {
    model: 'JBD-SP16S',
    made: [2020, 1, 1] as const,
    trips: { cellOvervoltage: 0, cellUndervoltage: 0, chargeUndertemperature: 0 },
    settings,
  };
  const answer = settings.answer.bind(settings);
  settings.answer = (request) => {
    if (request.register === BLOCK) return { status: 0x80 };
    if (password && request.write && request.register === FACTORY) return { status: 0x81 };
    return answer(request);
  };
  const wire = new MemoryTransport();
  const heard: string[] = [];
  wire.device = (bytes) => {
    const { request } = nextRequest(bytes);
    if (request === undefined) return;
    heard.push(`${request.write ? 'write' : 'read'} ${request.register.toString(16)}`);
    wire.say(reply(request, pack, board));
  };
  return { wire, heard };
}

function bound(wire: MemoryTransport, settings: boolean) {
  const bus = byteExchange(wire, jbd);
  const device = bindDevice(jbd, 'p1', bus, { now: () => 0, mono: () => performance.now(), settings });
  return { device, poll: async () => (await outcome(device.poll())) as PackSample | BridgeError };
}

const limitsOf = (sample: PackSample | BridgeError) => (sample instanceof BridgeError ? sample : sample.limits);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('settings that open in factory mode only', () => {
  it('are left alone unless they are asked for', async () => {
    const { wire, heard } = olderBoard();
    expect(limitsOf(await bound(wire, false).poll())).toBeUndefined();
    expect(heard.some((each) => each.startsWith('write'))).toBe(false);
  });

  it('are read once, in one go, and the mode is left without saving', async () => {
    const { wire, heard } = olderBoard();
    const { poll } = bound(wire, true);
    const limits = { cellMaxV: 3.65, cellMinV: 2.5, packMaxV: 58.4, packMinV: 40, chargeMinC: 1 };
    expect(limitsOf(await poll())).toEqual(limits);
    const inMode = ['write 0', 'read 1a', 'read 20', 'read 22', 'read 24', 'read 26', 'write 1'];
    expect(heard.slice(heard.indexOf('write 0'))).toEqual(inMode);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(limitsOf(await poll())).toEqual(limits);
    expect(heard.filter((each) => each === 'write 0')).toHaveLength(1);
    expect(wire.written.map((bytes) => Buffer.from(bytes).toString('hex'))).toContain('dd5a01020000fffd77');
  });

  it('of a board with a password cost the poll nothing, and are not asked again', async () => {
    const { wire, heard } = olderBoard(true);
    const { poll } = bound(wire, true);
    expect(await poll()).toMatchObject({ kind: 'pack' });
    await vi.advanceTimersByTimeAsync(3_600_000);
    const sample = await poll();
    expect(sample).toMatchObject({ kind: 'pack' });
    expect(limitsOf(sample)).toBeUndefined();
    expect(heard.filter((each) => each === 'write 0')).toHaveLength(1);
  });
});
