import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { netgearControl } from '../../../services/poe/netgear.ts';
import { gs30x, gs316 } from '../../../services/poe/netgear-family.ts';
import {
  asksForLogin,
  decodeGs30xSettings,
  decodeGs30xStatus,
  decodeGs316Settings,
  decodeGs316Status,
  loginHash,
  mergePassword,
} from '../../../services/poe/netgear-pages.ts';
import { controlledSwitch, controlSample } from '../../../services/poe/port-control.ts';
import { sleepingClock } from './fake-agent.ts';
import { configOf, vectorsOf } from './fake-device.ts';
import { type PlusTwin, plusTwin } from './netgear-twin.ts';

const { take, ids, taken } = vectorsOf('poe-netgear');

describe('pages of a Netgear Plus switch', () => {
  it.each(['login-hash', 'login-hash-long-password'])('%s: the hash of the login', (id) => {
    const { input, expect: want } = take(id);
    const { password, rand } = input as { password: string; rand: string };
    expect(mergePassword(password, rand)).toBe(want.merged);
    expect(loginHash(password, rand)).toBe(want.md5);
  });

  it('gs305ep-status: states, figures, class', () => {
    const { html = '', expect: want } = take('gs305ep-status');
    const ports = decodeGs30xStatus(html);
    for (const [port, told] of Object.entries(want.ports as Record<string, Record<string, unknown>>)) {
      const seen = ports.find((each) => each.port === port);
      expect(seen).toMatchObject({
        state: told.state,
        voltageV: told.voltage_V,
        currentA: told.current_A,
        powerW: told.power_W,
      });
      expect(seen?.poeClass ?? null).toBe(told.class);
    }
    expect(controlSample({ ports }, 0).drawnW).toBe(want.total_W);
  });

  it('status-missing-cells: what is not there is not 0', () => {
    const ports = decodeGs30xStatus(take('status-missing-cells').html ?? '');
    expect(ports).toEqual([{ port: '2', state: 'delivering' }]);
    expect(controlSample({ ports }, 0)).not.toHaveProperty('drawnW');
  });

  it('login-required-page, empty-page: the session is gone', () => {
    for (const id of ['login-required-page', 'empty-page']) expect(asksForLogin(take(id).html ?? '')).toBe(true);
    expect(asksForLogin(take('gs305ep-status').html ?? '')).toBe(false);
    expect(asksForLogin('SUCCESS')).toBe(false);
  });

  it('gs305ep-set-off-p1: everything but the switch goes back as it was', () => {
    const { current, expect: want } = take('gs305ep-set-off-p1');
    const { hash, 1: row } = current as { hash: string; 1: Record<string, string | boolean> };
    const input = (attributes: string, value: unknown) => `<input type="hidden" ${attributes} value="${value}">`;
    const page = `${input('id="hash"', hash)}<li class="poePortSettingListItem">${input('class="port"', 1)}${input('id="hidPortPwr"', 1)}
${input('id="hidPwrMode"', row.mode)}${input('id="hidPortPrio"', row.priority)}${input('id="hidLimitType"', row.limit_type)}
${input('class="pwrLimit"', row.limit)}${input('id="hidDetecType"', row.detect)}${input('class="longerDetect"', row.longer)}</li>`;
    const read = decodeGs30xSettings(page);
    expect(read).toMatchObject({ hash, ports: [{ port: '1', enabled: true, priority: 'high' }] });
    const [setting] = read.ports;
    if (setting === undefined) throw new Error('no port');
    const request = gs30x.write({ cookie: 'SID=<token>' }, setting, false, read.hash);
    expect(request).toMatchObject({ method: want.method, path: want.path, headers: { cookie: want.cookie } });
    expect(Object.fromEntries(new URLSearchParams(request.body))).toEqual(want.form);
  });

  it('gs316-set-off-p5: the fields in their order', () => {
    const { expect: want } = take('gs316-set-off-p5');
    const session = { cookie: 'gambitCookie=<token>', gambit: '<token>' };
    const {
      path,
      secretQuery = '',
      headers,
      body = '',
    } = gs316.write(session, { port: '5', form: {} }, false, undefined);
    expect(`${path}?${decodeURIComponent(secretQuery)}`).toBe(want.path);
    expect(headers?.cookie).toBe(want.cookie);
    expect(decodeURIComponent(body)).toBe(want.body_in_order);
  });

  it('reads no page of anything as something', () => {
    const words = [
      '<li class="poePortSettingListItem">',
      '<div class="port-wrap">',
      '"',
      "'",
      '<',
      '>',
      '</li>',
      '&nbsp;',
    ];
    const piece = fc.oneof(fc.constantFrom(...words), fc.string(), fc.constant('<input class="port" value="3">'));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const page = pieces.join('');
        for (const decode of [decodeGs30xStatus, decodeGs316Status])
          for (const { port, powerW = 0 } of decode(page)) {
            expect(port).toMatch(/^[1-9]\d?$/);
            expect(powerW >= 0 && powerW <= 100).toBe(true);
          }
        for (const decode of [decodeGs30xSettings, decodeGs316Settings])
          for (const { enabled, form } of decode(page).ports) if (form !== undefined) expect(enabled).toBeDefined();
      }),
    );
  });

  it('stays quick on a page made to hurt', () => {
    const page = `${'<div '.repeat(20_000)}${'<script>'.repeat(20_000)}${'<li class="poePortSettingListItem">'.repeat(20_000)}`;
    expect(decodeGs30xSettings(page).ports).toEqual([]);
  });
});

describe.each([
  ['gs305ep', 'gs30x', 4, 63],
  ['gs316epp', 'gs316', 15, 231],
] as const)('%s', (model, family, amount, budgetW) => {
  let twin: PlusTwin;
  const rig = async (more: Record<string, unknown> = {}, password = 'a-longer-Passw0rd') => {
    twin = await plusTwin(family, amount);
    const config = configOf('netgear-plus', {
      url: twin.url,
      model,
      password: { env: 'P' },
      pageGap: 0,
      settle: '2s',
      requestTimeout: '1s',
      ...more,
    });
    const poe = controlledSwitch(config, netgearControl(config, { password }), { wire: sleepingClock() });
    return poe;
  };
  afterEach(() => twin.close());

  it('is read with one session, which is given back', async () => {
    const poe = await rig();
    const sample = await poe.read();
    expect(sample).toMatchObject({ budgetW, drawnW: 8.8 });
    expect(sample.ports).toHaveLength(amount);
    expect(sample.ports[0]).toMatchObject({
      port: '1',
      enabled: true,
      state: 'delivering',
      poeClass: 4,
      currentA: 0.082,
      priority: 'high',
    });
    expect(sample.ports[1]?.priority).toBe('critical');
    await Promise.all([poe.read(), poe.read()]);
    expect(twin.logins()).toBe(1);
    expect(twin.sessions.size).toBe(1);
    await poe.close();
    expect(twin.sessions.size).toBe(0);
  });

  it('cuts and powers ports and leaves everything else as it was', async () => {
    const poe = await rig();
    const before = structuredClone(twin.ports);
    expect(await poe.setPorts(['1', '3'], false)).toEqual([
      { port: '1', code: 'done' },
      { port: '3', code: 'done' },
    ]);
    expect(twin.ports.map(({ admin }) => admin)).toEqual(
      before.map(({ admin }, at) => (at === 0 || at === 2 ? '0' : admin)),
    );
    expect((await poe.read()).ports[0]).toMatchObject({ enabled: false, state: 'disabled', powerW: 0 });
    expect(await poe.setPorts(['3', '1'], true)).toMatchObject([{ code: 'done' }, { code: 'done' }]);
    expect(twin.ports).toEqual(before);
    await poe.close();
  });

  it('logs in again once when its session is gone', async () => {
    const poe = await rig();
    await poe.read();
    twin.sessions.clear();
    expect(await poe.setPorts(['2'], false)).toEqual([{ port: '2', code: 'done' }]);
    expect(twin.logins()).toBe(2);
    await poe.close();
  });

  it('does not hammer a switch whose sessions are all taken', async () => {
    take('login-200-without-cookie');
    const poe = await rig();
    twin.sessions.add('another').add('and another');
    await expect(poe.read()).rejects.toMatchObject({ reason: 'no_session', message: expect.stringContaining('wait') });
    await expect(poe.read()).rejects.toMatchObject({ reason: 'no_session' });
    expect(await poe.setPorts(['1'], false)).toMatchObject([{ code: 'refused' }]);
    expect(twin.logins()).toBe(1);
    await poe.close();
  });

  it('never repeats the password or a token', async () => {
    const poe = await rig({}, 'wrong-secret');
    const failure = await poe.read().catch((error: unknown) => error);
    expect(String(failure)).toContain('without a session');
    expect(String(failure)).not.toContain('wrong-secret');
    await poe.close();
  });

  it('says when it is another device, and when it does not obey', async () => {
    const poe = await rig();
    await poe.read();
    twin.ignoresWrites = true;
    expect(await poe.setPorts(['1'], false)).toMatchObject([{ code: 'disobeyed' }]);
    twin.instead = () => ({ body: '<html>welcome to something else</html>' });
    await expect(poe.read()).rejects.toMatchObject({ reason: 'bad_answer', message: expect.stringContaining('model') });
    twin.instead = () => ({ status: 404 });
    await expect(poe.read()).rejects.toMatchObject({ reason: 'rejected' });
    twin.instead = () => 'silence';
    await expect(poe.read()).rejects.toMatchObject({ code: 'timeout' });
    await poe.close();
  });

  it('leaves every setting as it was, whatever is cut and powered again', async () => {
    const poe = await rig();
    const some = fc.subarray(['1', '2', '3', '4'], { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(
        some,
        fc.array(fc.constantFrom('0', '1') as fc.Arbitrary<'0' | '1'>, { minLength: 4 }),
        async (ports, admin) => {
          for (const [at, port] of twin.ports.entries()) port.admin = admin[at] ?? '1';
          const before = structuredClone(twin.ports);
          const cut = await poe.setPorts(ports, false);
          await poe.setPorts(
            cut.filter(({ code }) => code === 'done').map(({ port }) => port),
            true,
          );
          expect(twin.ports).toEqual(before);
        },
      ),
      { numRuns: 15 },
    );
    await poe.close();
  });
});

describe('the hash of a GS30x', () => {
  const rig = async () => {
    const twin = await plusTwin('gs30x', 4);
    const config = configOf('netgear-plus', {
      url: twin.url,
      model: 'gs308epp',
      password: { env: 'P' },
      pageGap: 0,
      settle: '1s',
    });
    const control = netgearControl(config, { password: 'a-longer-Passw0rd' });
    return { twin, poe: controlledSwitch(config, control, { wire: sleepingClock() }) };
  };

  it('set-answer-not-success: is fetched again, once', async () => {
    const { body, expect: want } = take('set-answer-not-success');
    expect(body).toBe(want.error);
    const { twin, poe } = await rig();
    twin.staleHashes = 1;
    expect(await poe.setPorts(['1'], false)).toEqual([{ port: '1', code: 'done' }]);
    twin.staleHashes = 5;
    expect(await poe.setPorts(['2'], false)).toMatchObject([
      { code: 'refused', detail: expect.stringContaining('CHECK HASH FAILED') },
    ]);
    await poe.close();
    await twin.close();
  });

  it.each(['hidPortPrio', 'hidPortPwr', 'pwrLimit', 'longerDetect'])('nothing is written without %s', async (field) => {
    const { twin, poe } = await rig();
    twin.without = field;
    const before = structuredClone(twin.ports);
    expect(await poe.setPorts(['1'], false)).toMatchObject([
      { code: 'refused', detail: expect.stringContaining('settings') },
    ]);
    expect(twin.ports).toEqual(before);
    await poe.close();
    await twin.close();
  });

  it('uses every vector but the power-cycles, which are no cut', () => {
    expect(ids.filter((id) => !taken.has(id))).toEqual(['gs30x-cycle-2-3', 'gs316-cycle-3']);
  });
});
