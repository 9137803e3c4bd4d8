import { createSocket } from 'node:dgram';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openSwitch } from '../../../services/poe/index.ts';
import { snmpSession } from '../../../services/poe/snmp-session.ts';
import { AsnType } from '../../../services/poe/varbind.ts';
import type { PoeSwitch } from '../../../services/shutdown/promises.ts';
import { peer } from '../../peers.ts';
import { adminOf } from './fake-agent.ts';
import { switchConfig } from './fixtures.ts';
import { SNMPD, type SnmpdSwitch, snmpdSwitch } from './snmpd-switch.ts';

const snmpd = peer('snmpd');
const { readCommunity, writeCommunity, v3 } = SNMPD;

const opened: { close(): Promise<void> }[] = [];
const keep = <T extends { close(): Promise<void> }>(thing: T): T => {
  opened.push(thing);
  return thing;
};
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

describe.skipIf(snmpd.skip)(`against ${snmpd.title}`, () => {
  let agent: SnmpdSwitch;
  beforeAll(async () => {
    const ports = ['1.1', '1.2', '1.3', '1.4', '1.5', '1.17', '1.48', '2.1'];
    agent = await snmpdSwitch(snmpd.path, { ports, ignore: ['1.4'], reject: ['1.5'] });
  });
  afterAll(() => agent?.stop());

  const open = (secrets: Parameters<typeof openSwitch>[1], more: Record<string, unknown> = {}): PoeSwitch =>
    keep(openSwitch(switchConfig({ port: agent.port, settle: '2s', ...more }), secrets));

  const v3Config = { v3: { user: v3.user, authKey: { env: 'A' }, privKey: { env: 'P' } } };

  it('reads every port by its own number, with the supply', async () => {
    const sample = await open({ community: readCommunity }).read();
    expect(sample).toMatchObject({ kind: 'switch', budgetW: 120, drawnW: 31, totalTrusted: true });
    expect(sample.ports.map(({ port }) => port)).toEqual(['1', '2', '3', '4', '5', '17', '48', '2.1']);
    expect(sample.ports[5]).toEqual({
      port: '17',
      enabled: true,
      state: 'delivering',
      poeClass: 3,
      priority: 'low',
      deniedCount: 5,
    });
  });

  it('reads the same by name as by walking', async () => {
    const poe = open({ community: readCommunity });
    const { measuredAtMs: _first, ...walked } = await poe.read();
    const { measuredAtMs: _second, ...asked } = await poe.read();
    expect(asked).toEqual(walked);
  });

  it('switches off and on, and touches nothing else', async () => {
    const poe = open({ community: writeCommunity });
    const before = agent.writes().length;
    expect(await poe.setPorts(['1', '48'], false)).toEqual([
      { port: '1', code: 'done' },
      { port: '48', code: 'done' },
    ]);
    const off = (await poe.read()).ports.filter(({ enabled }) => enabled === false);
    expect(off.map(({ port, state }) => `${port} ${state}`)).toEqual(['1 disabled', '48 disabled']);
    expect(await poe.setPorts(['1'], false)).toEqual([{ port: '1', code: 'already' }]);
    // Nothing is plugged in there, so it looks for a device until the settling time is over.
    expect(await poe.setPorts(['1', '48'], true)).toMatchObject([
      { port: '1', code: 'done' },
      { port: '48', code: 'done' },
    ]);
    expect(agent.writes().slice(before)).toEqual(['1.1=2', '1.48=2', '1.1=1', '1.48=1']);
  });

  it('switches the port of another group', async () => {
    const poe = open({ community: writeCommunity });
    expect(await poe.setPorts(['2.1'], false)).toEqual([{ port: '2.1', code: 'done' }]);
    expect((await poe.read()).ports.find(({ port }) => port === '1')?.enabled).toBe(true);
    await poe.setPorts(['2.1'], true);
  });

  it('finds out that the switch says yes and does nothing', async () => {
    const [outcome] = await open({ community: writeCommunity }).setPorts(['4'], false);
    expect(outcome).toMatchObject({ port: '4', code: 'disobeyed' });
  });

  it('reads back after a write that failed in the middle, and brings the others down', async () => {
    const poe = open({ community: writeCommunity });
    const outcomes = await poe.setPorts(['2', '5', '3'], false);
    expect(outcomes.map(({ code }) => code)).toEqual(['done', 'refused', 'done']);
    const { ports } = await poe.read();
    expect(ports.filter(({ enabled }) => enabled === false).map(({ port }) => port)).toEqual(['2', '3']);
    await poe.setPorts(['2', '3'], true);
  });

  it('says that the community may only read', async () => {
    const [outcome] = await open({ community: readCommunity }).setPorts(['1'], false);
    expect(outcome).toMatchObject({
      code: 'refused',
      detail: expect.stringMatching(/noAccess.*may read but not write/),
    });
  });

  it('gives the words of the agent for a wrong value, a wrong type and an object that cannot be written', async () => {
    const link = keep(snmpSession(switchConfig({ port: agent.port }), { community: writeCommunity }));
    const write = (oid: string, type: number, value: number) => link.set([{ oid, type, value }]);
    await expect(write(adminOf('1.1'), AsnType.integer, 5)).rejects.toMatchObject({ reason: 'wrongValue' });
    await expect(write(adminOf('1.99'), AsnType.integer, 2)).rejects.toMatchObject({ reason: 'notWritable' });
    const sysUpTime = '1.3.6.1.2.1.1.3.0';
    await expect(write(sysUpTime, AsnType.integer, 2)).rejects.toMatchObject({ reason: 'notWritable', oid: sysUpTime });
  });

  it('takes a wrong community for silence, says so, and does not show it', async () => {
    const poe = open({ community: 'a-wrong-secret' });
    const error: Error = await poe.read().then(
      () => expect.fail('it answered'),
      (reason) => reason,
    );
    expect(error).toMatchObject({ code: 'timeout', reason: 'no_answer' });
    expect(error.message).toMatch(/community/);
    expect(error.message).not.toContain('a-wrong-secret');
    expect((await poe.setPorts(['1'], false))[0]).toMatchObject({ code: 'timeout' });
  });

  it('speaks v3 with authentication and privacy', async () => {
    const poe = open({ v3 }, v3Config);
    expect((await poe.read()).ports).toHaveLength(8);
    expect(await poe.setPorts(['3'], false)).toEqual([{ port: '3', code: 'done' }]);
    expect(await poe.setPorts(['3'], true)).toMatchObject([{ port: '3', code: 'done' }]);
  });

  it.each([
    ['authentication key', { authKey: 'another-key-than-that' }, v3Config],
    ['user', {}, { v3: { ...v3Config.v3, user: 'nobody' } }],
  ])('says that the v3 %s is wrong, without showing a key', async (_what, wrong, config) => {
    const poe = open({ v3: { ...v3, ...wrong } }, config);
    const error: Error = await poe.read().then(
      () => expect.fail('it answered'),
      (reason) => reason,
    );
    expect(error).toMatchObject({ reason: 'credentials', retryable: false });
    expect(error.message).not.toMatch(/another-key|authenticate-me|encrypt-this/);
    expect((await poe.setPorts(['1'], false))[0]).toMatchObject({ code: 'refused' });
  });

  it('settles with an error when the v3 privacy key is wrong', async () => {
    const poe = open({ v3: { ...v3, privKey: 'another-key-than-that' } }, v3Config);
    await expect(poe.read()).rejects.toMatchObject({ name: 'SnmpError' });
  });

  it('refuses to ask after it was closed', async () => {
    const poe = open({ community: readCommunity });
    await poe.read();
    await poe.close();
    await expect(poe.read()).rejects.toMatchObject({ reason: 'closed' });
  });

  it('gives up at once when the caller does', async () => {
    const poe = open({ community: 'nobody-answers' });
    const abort = new AbortController();
    const reading = poe.read(abort.signal);
    setTimeout(() => abort.abort(), 30);
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
  });
});

const tlv = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
};
const integer = (value: number) => tlv(2, Buffer.from([value]));

/** The request id of a v2c message, as its INTEGER. */
function requestId(message: Buffer): Buffer {
  const pdu = message.findIndex((byte, at) => at > 6 && (byte === 0xa0 || byte === 0xa5));
  return message.subarray(pdu + 2, pdu + 4 + (message[pdu + 3] ?? 0));
}

/** An SNMPv3 message (RFC 3412) with the auth flag set and this message id. */
const version3 = (id: Buffer): Buffer => {
  const none = tlv(4);
  const security = tlv(
    0x30,
    tlv(4, Buffer.from('engine')),
    integer(1),
    integer(1),
    tlv(4, Buffer.from('u')),
    none,
    none,
  );
  const pdu = tlv(0xa2, integer(1), integer(0), integer(0), tlv(0x30));
  const header = tlv(0x30, id, integer(100), tlv(4, Buffer.from([1])), integer(3));
  return tlv(0x30, integer(3), header, tlv(4, security), tlv(0x30, none, none, pdu));
};

describe('a peer that answers with garbage', () => {
  const answers: readonly [string, (request: Buffer) => Buffer][] = [
    ['nothing but noise', () => Buffer.from('hello')],
    ['its own question', (request) => request],
    ['half an answer', (request) => request.subarray(0, request.length >> 1)],
    // the same request id as a report of SNMPv3 would have, and another kind of PDU
    ['a trap', (request) => replaced(request, 0xa0, 0xa7)],
    ['a get-bulk', (request) => replaced(request, 0xa5, 0xa1)],
    ['an authenticated SNMPv3 message', (request) => version3(requestId(request))],
    ['another version', (request) => Buffer.concat([request.subarray(0, 4), Buffer.from([3]), request.subarray(5)])],
  ];

  it.each(answers)('ends in an error and not in the end of the process: %s', async (_what, answer) => {
    const socket = createSocket('udp4');
    socket.on('message', (request, { port, address }) => socket.send(answer(request), port, address));
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const config = switchConfig({ port: socket.address().port });
    const link = keep(snmpSession(config, { community: 'c' }, { timeoutMs: 100, retries: 1 }));
    await expect(link.get([adminOf('1.1')])).rejects.toMatchObject({ name: 'SnmpError' });
    await expect(link.getBulk(adminOf('1.1'), 5)).rejects.toMatchObject({ name: 'SnmpError' });
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  });

  it('survives an answer with any byte broken', async () => {
    let seed = 7;
    const next = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed % below;
    };
    const socket = createSocket('udp4');
    socket.on('message', (request, { port, address }) => {
      const answer = replaced(replaced(request, 0xa0, 0xa2), 0xa5, 0xa2);
      for (let broken = 1 + next(2); broken > 0; broken -= 1) answer[next(answer.length)] = next(256);
      socket.send(answer, port, address);
    });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const config = switchConfig({ port: socket.address().port });
    const link = keep(snmpSession(config, { community: 'c' }, { timeoutMs: 30, retries: 0 }));
    for (let batch = 0; batch < 30; batch += 1) {
      const asked = Array.from({ length: 20 }, (_, at) =>
        at % 2 === 0 ? link.get([adminOf('1.1'), adminOf('1.2')]) : link.getBulk(adminOf('1.1'), 5),
      );
      for (const each of await Promise.allSettled(asked))
        if (each.status === 'rejected') expect(each.reason).toMatchObject({ name: 'SnmpError' });
    }
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  });

  const replaced = (request: Buffer, from: number, to: number): Buffer => {
    const copy = Buffer.from(request);
    const at = copy.indexOf(from);
    if (at >= 0) copy[at] = to;
    return copy;
  };

  it('is asked as often as it may be, and no more', async () => {
    let asked = 0;
    const socket = createSocket('udp4');
    socket.on('message', () => {
      asked += 1;
    });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const config = switchConfig({ port: socket.address().port });
    const link = keep(snmpSession(config, { community: 'c' }, { timeoutMs: 100, retries: 2 }));
    await expect(link.get([adminOf('1.1')])).rejects.toMatchObject({ reason: 'no_answer' });
    expect(asked).toBe(3);
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  });

  it('is unreachable when its name is none', async () => {
    const link = keep(snmpSession(switchConfig({ host: 'no-such-host.invalid' }), { community: 'c' }));
    await expect(link.get([adminOf('1.1')])).rejects.toMatchObject({ reason: 'unreachable', code: 'open' });
  });
});
