import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { byteExchange, hexToBytes, serialTransport, tcpTransport } from '../../../firmware-bridge/index.ts';
import { checkConfig } from '../../../services/config/load.ts';
import { ImplausibleError } from '../../../services/poe/i2c-registers.ts';
import { openSwitch } from '../../../services/poe/index.ts';
import { serialControl } from '../../../services/poe/poe-serial.ts';
import { controlledSwitch } from '../../../services/poe/port-control.ts';
import { broadcom, realtek } from '../../../services/poe/pse-dialects.ts';
import { acceptPseFrame, pseFrame } from '../../../services/poe/pse-frame.ts';
import { decodeExtended, decodeFigures, decodeInfo, decodeManagement } from '../../../services/poe/pse-replies.ts';
import { cable, temporaryFolder } from '../../firmware-bridge/peers.ts';
import { peer } from '../../peers.ts';
import { sleepingClock } from './fake-agent.ts';
import { configOf } from './fake-device.ts';
import { PseTwin, servePseTwin } from './pse-twin.ts';

interface PseVector {
  readonly id: string;
  readonly frame: string;
  readonly expect: Readonly<Record<string, unknown>> & { readonly type?: string };
}

const path = new URL('../../fixtures/poe/poe-serial.json', import.meta.url);
const vectors: readonly PseVector[] = JSON.parse(readFileSync(path, 'utf8')).cases;
const bytesOf = (id: string): Uint8Array => {
  const found = vectors.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no vector ${id}`);
  return hexToBytes(found.frame.replaceAll(' ', ''));
};
const accepted = (bytes: Uint8Array, sequence = bytes[1] ?? 0) => acceptPseFrame(bytes[0] ?? 0, sequence, bytes);

const REQUESTS: Readonly<Record<string, (want: Readonly<Record<string, unknown>>) => readonly number[]>> = {
  get_4_port_status: ({ ports }) => broadcom.askShort((ports as number[])[0] ?? 0, 8),
  get_port_ext_config: ({ port }) => [Number(port)],
  get_port_power_stats: ({ port }) => [Number(port)],
  set_port_enable: ({ port, enable }) => [Number(port), enable ? 1 : 0],
  get_system_info: () => [],
};
const COMMANDS: Readonly<Record<string, number>> = {
  get_4_port_status: broadcom.commands.short,
  get_port_ext_config: broadcom.commands.extended,
  get_port_power_stats: broadcom.commands.figures,
  set_port_enable: broadcom.commands.enable,
  get_system_info: broadcom.commands.info,
};

describe('frames of a PSE microcontroller', () => {
  const requests = vectors.filter(({ expect: want }) => want.type === 'request' && want.cmd !== 'set_global_budget');
  it.each(requests.map(({ id, expect: want }) => [id, want] as const))('%s: is asked as on the wire', (id, want) => {
    const bytes = bytesOf(id);
    const cmd = String(want.cmd);
    const data = REQUESTS[cmd]?.(want) ?? [];
    expect(pseFrame(COMMANDS[cmd] ?? -1, Number(want.seq ?? bytes[1]), data)).toEqual(bytes);
  });

  const answers = vectors.filter(({ expect: want }) =>
    ['power_stats', 'short_status', 'port_ext_config', 'port_power', 'system_info', 'power_mgmt'].includes(
      want.type ?? '',
    ),
  );
  it.each(
    answers
      .filter(({ expect: want }) => !('must' in want) && !('error' in want))
      .map((each) => [each.id, each] as const),
  )('%s: says what it says', (id, { expect: want }) => {
    const taken = accepted(bytesOf(id));
    if (taken.kind !== 'take') throw new Error(taken.kind);
    const frame = taken.value;
    if (want.seq !== undefined) expect(frame[1]).toBe(want.seq);
    const port = Number(want.port);
    switch (want.type) {
      case 'power_stats':
        return expect(broadcom.decodeTotals(frame)).toMatchObject({
          drawnW: want.consumption_W,
          usableW: want.usable_budget_W,
        });
      case 'short_status': {
        const wanted = Object.entries(want.ports as Record<string, string>);
        const first = Number(wanted[0]?.[0]);
        const words: Record<string, string> = { requesting: 'searching' };
        return expect(broadcom.decodeShort(frame, first)).toEqual(
          wanted.map(([each, state]) => ({ port: Number(each), state: words[state] ?? state })),
        );
      }
      case 'port_ext_config':
        expect((frame[5] ?? 0) * 0.2).toBeCloseTo(Number(want.power_limit_W), 6);
        return expect(decodeExtended(frame, port)).toMatchObject({ limitType: 1, priority: want.priority });
      case 'port_power':
        expect(decodeFigures(frame, port).voltageV).toBeCloseTo(Number(want.voltage_V), 2);
        return expect(decodeFigures(frame, port)).toMatchObject({
          currentA: want.current_A,
          temperatureC: want.temperature_C,
          powerW: want.power_W,
        });
      case 'system_info': {
        const info = decodeInfo(frame);
        expect([broadcom.knows(info), realtek.knows(info)]).toEqual([true, false]);
        return expect(info).toEqual({
          ports: want.ports,
          deviceId: Number(want.device_id),
          version: want.version,
          mcuType: want.mcu_type,
          status: want.status,
        });
      }
      default:
        return expect(decodeManagement(frame)).toEqual({
          mode: want.mode,
          budgetW: want.budget_W,
          guardW: want.guard_W,
          admission: 'dynamic',
        });
    }
  });

  it.each([
    ['reject-checksum', 'request_checksum', true],
    ['not-ready', 'not_ready', true],
    ['request-incomplete', 'request_incomplete', true],
    ['reply-port-255', 'not_implemented', false],
  ] as const)('%s: is no answer', (id, code, retryable) => {
    expect(acceptPseFrame(0x30, 0x11, bytesOf(id))).toMatchObject({ kind: 'refuse', code, retryable });
  });

  it('truncated, garbage-21, corrupt-one-bit, reply-wrong-seq, desync-stray-byte: waits, or looks further', () => {
    expect(accepted(bytesOf('truncated'))).toEqual({ kind: 'more' });
    for (const id of ['garbage-21', 'corrupt-one-bit', 'desync-stray-byte'])
      expect(acceptPseFrame(0x30, 0x56, bytesOf(id))).toMatchObject({ kind: 'skip', reason: 'checksum' });
    expect(acceptPseFrame(0x30, 86, bytesOf('reply-wrong-seq'))).toMatchObject({ kind: 'skip', reason: 'sequence' });
    expect(acceptPseFrame(0x30, 0x56, bytesOf('desync-stray-byte').subarray(1))).toMatchObject({ kind: 'take' });
  });

  it('an answer to another command with the same number is passed over', () => {
    expect(acceptPseFrame(0x30, 0x53, bytesOf('extcfg-0'))).toMatchObject({ kind: 'skip', reason: 'command' });
  });

  it('what another port says is refused', () => {
    const figures = pseFrame(0x30, 1, [4, 0x03, 0x44, 0, 0x5d, 0, 0xbc, 0, 0x32]);
    expect(() => decodeFigures(figures, 5)).toThrow(/port 4/);
    expect(decodeFigures(figures, 4).powerW).toBe(5);
  });

  it('figures that disagree are refused, each possible by itself', () => {
    // 53.9 V and 0.46 A are no 5 W.
    expect(() => decodeFigures(pseFrame(0x30, 1, [5, 0x03, 0x45, 0x01, 0xcc, 0, 0xa8, 0, 0x32]), 5)).toThrow(/5\.0 W/);
  });

  it('corrupt-swapped-bytes: what the sum does not see, plausibility does', () => {
    const taken = accepted(bytesOf('corrupt-swapped-bytes'));
    if (taken.kind !== 'take') throw new Error(taken.kind);
    expect(() => decodeFigures(taken.value, 7)).toThrow(ImplausibleError);
  });

  it('0x61 of the Realtek dialect: a command it does not know', () => {
    expect(acceptPseFrame(0x20, 1, pseFrame(0x61, 1))).toMatchObject({ kind: 'refuse', code: 'not_implemented' });
  });

  it('is found behind whatever came before it, and nothing else is taken', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(
        bytes,
        fc.nat(255),
        fc.nat(255),
        fc.uint8Array({ minLength: 9, maxLength: 9 }),
        (noise, command, sequence, data) => {
          const frame = pseFrame(command, sequence, [...data]);
          let received = Buffer.concat([noise, frame]);
          for (;;) {
            const verdict = acceptPseFrame(command, sequence, received);
            if (verdict.kind === 'skip') {
              received = received.subarray(verdict.length);
              continue;
            }
            if (verdict.kind === 'take') expect([verdict.value[0], verdict.value[1]]).toEqual([command, sequence]);
            else expect(verdict.kind).toBe('refuse');
            return;
          }
        },
      ),
    );
  });

  it('has no impossible figures, whatever its bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 12 }), (frame) => {
        for (const decode of [
          () => decodeFigures(frame, frame[2] ?? 0),
          () => decodeManagement(frame),
          () => decodeExtended(frame, frame[2] ?? 0),
          () => decodeInfo(frame),
          () => broadcom.decodeShort(frame, 0),
          () => realtek.decodeShort(frame, 0),
        ])
          try {
            const told = decode();
            if ('powerW' in told) expect(told.powerW <= 100 && told.voltageV <= 60 && told.currentA <= 2).toBe(true);
            if ('budgetW' in told) expect(told.guardW).toBeLessThan(told.budgetW);
          } catch (error) {
            expect(error).toBeInstanceOf(ImplausibleError);
          }
      }),
    );
  });

  it('uses every vector; budgets are never written', () => {
    const left = vectors.filter(({ expect: want }) => want.cmd === 'set_global_budget').map(({ id }) => id);
    expect(left).toEqual(['build-budget-170-17', 'build-budget-pse7-180']);
    const known = new Set([...requests, ...answers].map(({ id }) => id));
    const named = ['reject-checksum', 'not-ready', 'request-incomplete', 'reply-port-255', 'truncated', 'garbage-21'];
    const others = [...named, 'corrupt-one-bit', 'reply-wrong-seq', 'desync-stray-byte', ...left];
    expect(vectors.map(({ id }) => id).filter((id) => !known.has(id) && !others.includes(id))).toEqual([]);
  });
});

describe('a PSE microcontroller behind a serial server', () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });
  const rig = async (dialect: PseTwin['dialect'], more: Record<string, unknown> = {}, amount = 8) => {
    const twin = new PseTwin(dialect, amount);
    const served = await servePseTwin(twin);
    const config = configOf('poe-serial', { via: { tcp: served.address }, switching: true, settle: '2s', ...more });
    const [host = '', port = ''] = served.address.split(':');
    const exchange = byteExchange(tcpTransport({ host, port: Number(port) }), {
      gapMs: 0,
      timeoutMs: 5000,
      tries: 1,
      lateMs: 20,
    });
    const poe = controlledSwitch(config, serialControl(config, exchange), { wire: sleepingClock() });
    open.push(served, poe);
    return { twin, poe };
  };
  const writes = ({ asked, dialect }: PseTwin) =>
    asked.filter((each) => each.startsWith(dialect === 'realtek' ? '01' : '00'));

  it.each([
    ['broadcom', { budgetW: 228, guardW: 7, drawnW: 29.8, admission: 'dynamic' }],
    ['realtek', { budgetW: 130, guardW: 10, drawnW: 29.8, admission: 'static', reservedW: 60 }],
  ] as const)('%s: is read', async (dialect, totals) => {
    const { poe, twin } = await rig(dialect);
    const sample = await poe.read();
    expect(sample).toMatchObject({ totalTrusted: true, ...totals });
    expect(sample.ports).toHaveLength(8);
    expect(sample.ports[0]).toMatchObject({
      port: '1',
      enabled: true,
      state: 'delivering',
      powerW: 5,
      poeClass: 3,
      priority: 'low',
      priorityRank: 3,
    });
    expect(sample.ports[0]?.voltageV).toBe(53.945);
    expect(sample.ports[1]).toEqual({ port: '2', enabled: true, state: 'searching', powerW: 0, priorityRank: 2 });
    expect(sample.ports[7]).toMatchObject({ port: '8', powerW: 24.8, poeClass: 4, priority: 'critical' });
    expect(writes(twin)).toEqual([]);
  });

  it.each(['broadcom', 'realtek'] as const)(
    '%s: cuts many ports with one write and restores exactly',
    async (dialect) => {
      const { poe, twin } = await rig(dialect);
      const before = structuredClone(twin.ports);
      expect(await poe.setPorts(['1', '8', '3', '4', '5'], false)).toEqual(
        ['1', '8', '3', '4', '5'].map((port) => ({ port, code: 'done' })),
      );
      expect(writes(twin)).toHaveLength(2);
      expect(twin.ports.map(({ admin }) => admin)).toEqual([false, true, false, false, false, true, true, false]);
      expect((await poe.read()).ports[0]).toMatchObject({ enabled: false, state: 'disabled', powerW: 0 });
      const restored = await poe.setPorts(['1', '8', '3', '4', '5'], true);
      expect(new Set(restored.map(({ code }) => code))).toEqual(new Set(['done']));
      expect(twin.ports).toEqual(before);
    },
  );

  it.each(['broadcom', 'realtek'] as const)(
    '%s: cut and power leave nothing behind, whatever the ports were',
    async (dialect) => {
      const { poe, twin } = await rig(dialect, {}, 6);
      const names = ['1', '2', '3', '4', '5', '6'];
      const start = fc.array(fc.tuple(fc.boolean(), fc.constantFrom(0, 6.2), fc.nat(3)), {
        minLength: 6,
        maxLength: 6,
      });
      await fc.assert(
        fc.asyncProperty(fc.subarray(names, { minLength: 1 }), start, async (ports, rows) => {
          for (const [at, [admin, watts, priority]] of rows.entries())
            Object.assign(twin.ports[at] ?? {}, { admin, watts, priority });
          const before = structuredClone(twin.ports);
          const cut = await poe.setPorts(ports, false);
          for (const { port, code } of cut) expect(code).toBe(before[Number(port) - 1]?.admin ? 'done' : 'already');
          await poe.setPorts(
            cut.filter(({ code }) => code === 'done').map(({ port }) => port),
            true,
          );
          expect(twin.ports).toEqual(before);
        }),
        { numRuns: 20 },
      );
    },
  );

  it('takes the map of the configuration, and names what the controller has not', async () => {
    const { poe, twin } = await rig('broadcom', { ports: { lan1: 7, lan8: 0 } });
    expect((await poe.read()).ports.map(({ port, powerW }) => [port, powerW])).toEqual([
      ['lan1', 24.8],
      ['lan8', 5],
    ]);
    expect(await poe.setPorts(['lan1'], false)).toEqual([{ port: 'lan1', code: 'done' }]);
    expect(twin.ports[7]?.admin).toBe(false);
    const wrong = await rig('broadcom', { ports: { lan9: 8 } });
    await expect(wrong.poe.read()).rejects.toMatchObject({
      reason: 'bad_map',
      message: expect.stringContaining('0 to 7'),
    });
  });

  it.each([
    ['neither', /neither dialect answers/],
    ['both', /both dialects/],
  ] as const)('%s: nothing is written', async (dialect, said) => {
    const { poe, twin } = await rig(dialect);
    await expect(poe.read()).rejects.toMatchObject({ code: 'refused', message: expect.stringMatching(said) });
    expect(await poe.setPorts(['1'], false)).toMatchObject([{ code: 'refused' }]);
    expect(new Set(twin.asked.map((each) => each.slice(0, 2)))).toEqual(new Set(['20', '40']));
  });

  it('nobody there: says what to check, and finds it when it comes', async () => {
    const { poe, twin } = await rig('realtek');
    twin.misbehaves = 'silent';
    await expect(poe.read()).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining('baud') });
    expect(await poe.setPorts(['1'], false)).toMatchObject([{ code: 'timeout' }]);
    expect(writes(twin)).toEqual([]);
    twin.misbehaves = undefined;
    expect((await poe.read()).ports).toHaveLength(8);
  });

  it('a stranger that answers in the same form is not written', async () => {
    const { poe, twin } = await rig('broadcom');
    twin.deviceId = 0x1234;
    await expect(poe.read()).rejects.toMatchObject({
      reason: 'unknown_dialect',
      message: expect.stringMatching(/0x1234/),
    });
    expect(await poe.setPorts(['1'], false)).toMatchObject([{ code: 'refused' }]);
    expect(writes(twin)).toEqual([]);
  });

  it('asks again who is there after a silence, before it writes', async () => {
    const { poe, twin } = await rig('broadcom');
    await poe.read();
    twin.misbehaves = 'silent';
    await expect(poe.read()).rejects.toMatchObject({ code: 'timeout' });
    twin.misbehaves = undefined;
    twin.dialect = 'realtek';
    twin.asked.length = 0;
    expect(await poe.setPorts(['1'], false)).toEqual([{ port: '1', code: 'done' }]);
    expect(writes(twin)).toHaveLength(1);
    expect(twin.asked.filter((each) => each.startsWith('00'))).toEqual([]);
  });

  it('starting: says that it takes its time', async () => {
    const { poe, twin } = await rig('broadcom');
    twin.misbehaves = 'starting';
    await expect(poe.read()).rejects.toMatchObject({ reason: 'not_ready', message: expect.stringContaining('20 s') });
  });

  it.each(['shifted', 'late', 'swapped', 'wrong port'] as const)('%s answers do no harm', async (how) => {
    const { poe, twin } = await rig('broadcom');
    await poe.read();
    twin.misbehaves = how;
    const { ports } = await poe.read();
    expect(ports[0]).toMatchObject({ state: 'delivering', powerW: 5 });
    expect(ports[7]?.powerW).toBe(24.8);
    expect(await poe.setPorts(['8'], false)).toEqual([{ port: '8', code: 'done' }]);
    expect(twin.ports.map(({ admin }) => admin)).toEqual([true, true, true, true, true, true, true, false]);
  });

  it('noise is no answer', async () => {
    const { poe, twin } = await rig('broadcom');
    await poe.read();
    twin.misbehaves = 'noise';
    await expect(poe.read()).rejects.toMatchObject({ code: 'timeout' });
  });

  it('does without what a firmware does not tell', async () => {
    const { poe, twin } = await rig('broadcom');
    for (const command of [0x27, 0x26, 0x21, 0x30]) twin.unknown.add(command);
    const sample = await poe.read();
    expect(sample).toMatchObject({ budgetW: 221, drawnW: 29.8 });
    expect(sample.ports[0]).toEqual({ port: '1', enabled: true, state: 'delivering' });
  });

  it('is disobedient when its state says so, and is not switched without leave', async () => {
    const { poe, twin } = await rig('realtek');
    twin.ignoresWrites = true;
    expect(await poe.setPorts(['1'], false)).toMatchObject([{ code: 'disobeyed' }]);
    const closed = await rig('realtek', { switching: false });
    expect(await closed.poe.setPorts(['1'], false)).toMatchObject([
      { code: 'refused', detail: expect.stringContaining('switching: true') },
    ]);
    expect(writes(closed.twin)).toEqual([]);
  });

  it('is checked in the configuration', () => {
    const via = { serial: '/dev/ttyS1' };
    const sw = { id: 'sw1', driver: 'poe-serial', via, switching: true };
    const problems = (config: object) => {
      const checked = checkConfig(JSON.stringify(config));
      return checked.ok ? checked.warnings : checked.problems;
    };
    const pack = { id: 'p', driver: 'jbd', via, chemistry: 'lifepo4', cells: 16, capacityAh: 100 };
    const paths = (config: object) => problems(config).map((each) => each.path);
    expect(paths({ switches: [sw] })).toEqual([]);
    expect(paths({ switches: [{ ...sw, ports: { a: 1, b: 1 } }] })).toContain('switches[0].ports.b');
    expect(paths({ switches: [sw], packs: [pack] })).toContain('switches[0].via.serial');
    expect(paths({ switches: [sw, { ...sw, id: 'sw2' }] })).toContain('switches[1].via.serial');
    expect(paths({ switches: [{ ...sw, switching: false }], hosts: [{ id: 'n', poe: 'sw1/1' }] })).toContain(
      'switches[0].switching',
    );
  });
});

const socat = peer('socat');

describe.skipIf(socat.skip)(`a PSE microcontroller on a pty (${socat.title})`, () => {
  it('is read, cut and restored over a serial port', async () => {
    const folder = temporaryFolder();
    const wire = await cable(socat.path, folder.path);
    const twin = new PseTwin('broadcom', 8);
    const far = serialTransport({ path: wire.b, line: { baud: 19_200 } });
    await far.open();
    far.onData((chunk) => twin.take(chunk, (bytes) => void far.write(bytes)));
    const poe = openSwitch(configOf('poe-serial', { via: { serial: wire.a }, switching: true, settle: '2s' }), {});
    try {
      expect((await poe.read()).ports[7]).toMatchObject({ state: 'delivering', powerW: 24.8 });
      expect(await poe.setPorts(['8', '1'], false)).toMatchObject([{ code: 'done' }, { code: 'done' }]);
      expect(await poe.setPorts(['1', '8'], true)).toMatchObject([{ code: 'done' }, { code: 'done' }]);
    } finally {
      await poe.close();
      await far.close();
      await wire.pull();
      folder.remove();
    }
  });
});
