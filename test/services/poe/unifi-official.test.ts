import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openSwitch } from '../../../services/poe/index.ts';
import { decodePage, decodeUnifiDetails } from '../../../services/poe/unifi-official.ts';
import { type Asked, configOf, type FakeDevice, fakeDevice, type Said, vectorsOf } from './fake-device.ts';

const { take } = vectorsOf('poe-unifi');
const KEY = 'hunter2-key';
const MAC = '00:00:5E:00:53:10';

describe('what the official interface says', () => {
  it('v1-device-details: enabled and power, no watts', () => {
    const { input, expect: want } = take('v1-device-details');
    const { ports, budgetW } = decodeUnifiDetails(input);
    const wanted = Object.entries(want.ports as Record<string, { admin: string; delivering: unknown } | null>);
    expect(ports).toEqual(
      wanted.flatMap(([port, told]) =>
        told === null
          ? []
          : [{ port, enabled: told.admin === 'on', state: told.delivering ? 'delivering' : 'disabled' }],
      ),
    );
    expect(budgetW).toBeUndefined();
  });

  it('v1-page, v1-page-count-lie: pages are counted', () => {
    expect(decodePage(take('v1-page').input)).toMatchObject(take('v1-page').expect);
    const lie = take('v1-page-count-lie');
    expect(() => decodePage(lie.input)).toThrow(String(lie.expect.error));
    expect(decodePage({ offset: 2, count: 1, totalCount: 4, data: [{}] }).more).toBe(true);
  });

  it('never throws', () => {
    const poe = fc.record({ enabled: fc.anything(), state: fc.anything() });
    const row = fc.record({ idx: fc.oneof(fc.nat(50), fc.anything()), poe: fc.oneof(poe, fc.anything()) });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.record({ interfaces: fc.record({ ports: fc.array(row) }) })), (given) => {
        for (const { port } of decodeUnifiDetails(given).ports) expect(port).toMatch(/^[1-9]\d*$/);
      }),
    );
  });
});

describe('a console', () => {
  let device: FakeDevice | undefined;
  afterEach(async () => {
    await device?.close();
    device = undefined;
  });

  async function rig(amount = 1, state = 'ONLINE') {
    const details = { ...(take('v1-device-details').input as object), state };
    const others = Array.from({ length: amount - 1 }, (_, at) => ({ id: `d${at}`, macAddress: `x${at}` }));
    const all = [...others, details];
    const page = (items: readonly unknown[], query: string): Said => {
      const given = new URLSearchParams(query);
      const [offset, limit] = [Number(given.get('offset')), Number(given.get('limit'))];
      const data = items.slice(offset, offset + limit);
      return { body: { offset, limit, count: data.length, totalCount: items.length, data } };
    };
    const root = '/proxy/network/integration/v1/sites';
    const answer = ({ method, path, headers }: Asked): Said => {
      const [at = '', query = ''] = path.split('?');
      if (headers['x-api-key'] !== KEY) return { status: 401 };
      if (method !== 'GET') return { status: 405 };
      if (at === root) return page([{ id: 's1', internalReference: 'default', name: 'Home' }], query);
      if (at === `${root}/s1/devices`) return page(all, query);
      return at === `${root}/s1/devices/0d8a2f5e-0000-4000-8000-000000000001` ? { body: details } : { status: 404 };
    };
    device = await fakeDevice(answer);
    const open = (token = KEY, more: Record<string, unknown> = {}) =>
      openSwitch(
        configOf('unifi-api', {
          url: device?.url,
          key: { env: 'K' },
          device: MAC,
          requestTimeout: '500ms',
          settle: '100ms',
          ...more,
        }),
        { token },
      );
    return { device, open };
  }

  it('is read by its API key, through all pages, and never written', async () => {
    const { open, device } = await rig(230);
    const poe = open();
    const { ports } = await poe.read();
    expect(ports.map(({ port, state }) => [port, state])).toEqual([
      ['1', 'delivering'],
      ['2', 'disabled'],
      ['3', 'delivering'],
    ]);
    expect(await poe.setPorts(['1'], false)).toMatchObject([
      { code: 'refused', detail: expect.stringContaining('driver: unifi') },
    ]);
    await poe.read();
    expect(device.asked.filter(({ path }) => path.includes('/devices?'))).toHaveLength(3);
    expect(device.asked.every(({ method }) => method === 'GET')).toBe(true);
    await poe.close();
  });

  it('says what is wrong without its key', async () => {
    const { open, device } = await rig();
    const wrong = open('hunter2-wrong');
    const failure = await wrong.read().catch((error: unknown) => error);
    expect(failure).toMatchObject({ reason: 'credentials' });
    expect(String(failure)).not.toContain('hunter2');
    await wrong.close();
    for (const [more, said] of [
      [{ site: 'lab' }, /no site lab/],
      [{ device: '00:00:00:00:00:01' }, /no device/],
    ] as const) {
      const poe = open(KEY, more);
      await expect(poe.read()).rejects.toThrow(said);
      await poe.close();
    }
    const poe = open();
    device.instead = () => ({ body: { data: [{}], count: 2, offset: 0, totalCount: 2 } });
    await expect(poe.read()).rejects.toMatchObject({ reason: 'bad_answer' });
    device.instead = undefined;
    expect((await poe.read()).ports).toHaveLength(3);
    await poe.close();
  });

  it('has no figures of a switch that is not connected', async () => {
    const { open } = await rig(1, 'OFFLINE');
    const poe = open();
    await expect(poe.read()).rejects.toMatchObject({ reason: 'restarting' });
    await poe.close();
  });
});
