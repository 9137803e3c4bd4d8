import { createHash, randomBytes } from 'node:crypto';
import { type Asked, type FakeDevice, fakeDevice, type Said } from './fake-device.ts';

/** A Netgear "Plus" switch as the note and public captures describe it: pages, challenge, few sessions, a hash. */

export interface PlusPort {
  name: string;
  admin: '0' | '1';
  prio: string;
  mode: string;
  limitType: string;
  limit: string;
  detect: string;
  longer: string;
  watts: number;
}

export interface PlusTwin extends FakeDevice {
  readonly ports: PlusPort[];
  /** Sessions that are open. */
  readonly sessions: Set<string>;
  readonly logins: () => number;
  /** How many more writes are answered with a hash failure. */
  staleHashes: number;
  ignoresWrites: boolean;
  /** A field that the page of settings leaves out. */
  without: string | undefined;
}

const PASSWORD = 'a-longer-Passw0rd';
const MOST_SESSIONS = 2;
const PRIO_NAMES: Record<string, string> = { 1: 'Low', 2: 'High', 3: 'Critical' };

export async function plusTwin(family: 'gs30x' | 'gs316', amount: number): Promise<PlusTwin> {
  const ports = Array.from(
    { length: amount },
    (_, at): PlusPort => ({
      name: at === 1 ? 'link to - sw128' : '',
      admin: '1',
      prio: ['2', '3', family === 'gs30x' ? '0' : '1'][at % 3] ?? '2',
      mode: String(3 - (at % 2)),
      limitType: '2',
      limit: `${30 - at}.0`,
      detect: '2',
      longer: at % 2 === 0 ? '3' : '0',
      watts: at < 2 ? 4.4 : 0,
    }),
  );
  const sessions = new Set<string>();
  let rand = '';
  let hash = randomBytes(16).toString('hex');
  let logins = 0;

  const openSession = (given: string | null): string | undefined => {
    logins += 1;
    const merged = [...PASSWORD].map((each, at) => each + (rand[at] ?? '')).join('') + rand.slice(PASSWORD.length);
    const right = rand !== '' && given === createHash('md5').update(merged).digest('hex');
    rand = '';
    if (!right || sessions.size >= MOST_SESSIONS) return undefined;
    const token = randomBytes(8).toString('hex');
    sessions.add(token);
    return token;
  };
  const challenge = (): string => {
    rand = String(1_000_000_000 + Math.floor(Math.random() * 1_000_000_000));
    return `<html><body><form><input type="hidden" id="rand" name="rand" value='${rand}' disabled></form></body></html>`;
  };
  const delivers = (port: PlusPort): boolean => port.admin === '1' && port.watts > 0;

  const status30 = (): string =>
    `<ul>${ports
      .map((port, at) => {
        const on = delivers(port);
        const state = port.admin === '0' ? 'Disabled' : on ? 'Delivering Power' : 'Searching';
        const figures = [on ? 53 : 0, on ? 82 : 0, on ? port.watts.toFixed(1) : '0.0', 30, 'No Error'];
        const cells = figures.map((value, index) => `<div><span>ml${570 + index}</span></div><span>${value}</span>`);
        return `<li class="poe_port_list_item poePortStatusListItem"><span class="poe-power-mode"><span>${state}</span></span>
<span class="poe-portPwr-width"><span>${on ? 'ml003@4@' : 'Unknown'}</span></span>
<span class="poe-port-index"><input type="hidden" class="port" value="${at + 1}"><span>${at + 1}${port.name && ` - ${port.name}`}</span></span>
<div class="poe_port_status">${cells.join('')}</div></li>`;
      })
      .join('\n')}</ul>`;
  const settings30 = (): string =>
    `<input type=hidden id='hash' value="${hash}"><div><ul>${ports
      .map((port, at) => {
        const field = (kind: string, name: string, value: string) =>
          twin.without === name ? '' : `<input type="hidden" ${kind}="${name}" value="${value}">`;
        return `<li class="poe_port_list_item poePortSettingListItem index_li">${field('class="pwrMode" id', 'hidPwrMode', port.mode)}
<span class="portPwr">${port.admin === '1' ? 'Enable' : 'Disable'}</span>${field('class="hidPortPwr" id', 'hidPortPwr', port.admin)}
<input type="hidden" class="port" value="${at + 1}"><input type="hidden" class="portName" value="${port.name}">
${field('id', 'hidPortPrio', port.prio)}${field('id', 'hidLimitType', port.limitType)}${field('class', 'pwrLimit', port.limit)}
${field('id', 'hidDetecType', port.detect)}${field('class', 'longerDetect', port.longer)}</li>`;
      })
      .join('')}</ul></div>`;
  const apply30 = (form: URLSearchParams): string => {
    if (twin.staleHashes > 0 || form.get('hash') !== hash) {
      twin.staleHashes = Math.max(0, twin.staleHashes - 1);
      hash = randomBytes(16).toString('hex');
      return 'CHECK HASH FAILED';
    }
    const port = ports[Number(form.get('portID'))];
    if (form.get('ACTION') !== 'Apply' || port === undefined) return 'PARAMETER ERROR';
    if (twin.ignoresWrites) return 'SUCCESS';
    // What is not sent takes its default, as on the device.
    const given = (name: string, fallback: string) => form.get(name) ?? fallback;
    port.admin = given('ADMIN_MODE', '0') === '1' ? '1' : '0';
    port.prio = given('PORT_PRIO', '0');
    port.mode = given('POW_MOD', '3');
    port.limitType = given('POW_LIMT_TYP', '0');
    port.limit = given('POW_LIMT', '30.0');
    port.detect = given('DETEC_TYP', '2');
    port.longer = given('DISCONNECT_TYP', '2');
    return 'SUCCESS';
  };
  const status316 = (): string =>
    ports
      .map((port, at) => {
        const on = delivers(port);
        const state = port.admin === '0' ? 'Disabled' : on ? 'Delivering Power' : 'Searching';
        return `<div class="port-wrap"><span class="port-number">${at + 1}&nbsp;-&nbsp;${port.name}</span><p class="Status-text">${state}</p>
<p class="Class-text">${on ? 'Class@4@' : 'Unknown'}</p><p class="OutputVoltage-text">${on ? 53 : 0}</p><p class="OutputCurrent-text">${on ? 82 : 0}</p>
<p class="OutputPower-text">${on ? port.watts : 0}</p><p class="Temperature-text">30</p><p class="Fault-Status-text">No Error</p></div>`;
      })
      .join('');
  const settings316 = (): string =>
    `<div id="POE_SETTING">${ports
      .map(
        (port, at) => `<div class="port-wrap"><span class="port-number">${at + 1}&nbsp;-&nbsp;${port.name}</span>
<span class="admin-state">${port.admin === '1' ? 'enable' : 'disable'}</span><span class="port-priority">${PRIO_NAMES[port.prio]}</span></div>`,
      )
      .join('')}</div>`;
  const apply316 = (body: string): string => {
    const fields = [...new URLSearchParams(body)];
    if (fields.map(([name]) => name).join() !== ORDER_316) return 'PARAMETER ERROR';
    const form = new Map(fields);
    const port = ports[Number(form.get('PORT_NO')) - 1];
    if (port === undefined) return 'PARAMETER ERROR';
    const set = (name: string, change: (value: string) => void) => {
      const value = form.get(name) ?? 'NOTSET';
      if (value !== 'NOTSET') change(value);
    };
    if (twin.ignoresWrites) return 'SUCCESS';
    set('ADMIN_STATE', (value) => {
      port.admin = value === '1' ? '1' : '0';
    });
    set('PRIORITY', (value) => {
      port.prio = value;
    });
    return 'SUCCESS';
  };

  const answer30 = ({ method, path, headers, body }: Asked): Said => {
    if (path === '/login.cgi' && method === 'GET') return { body: challenge() };
    if (path === '/login.cgi') {
      const token = openSession(new URLSearchParams(body).get('password'));
      return token === undefined
        ? { body: '<html></html>' }
        : { headers: { 'set-cookie': `SID=${token};Path=/;HttpOnly` } };
    }
    const token = /SID=(\w+)/.exec(String(headers.cookie))?.[1] ?? '';
    if (!sessions.has(token)) return { body: '<script>top.location.href="/login.cgi"</script>' };
    if (path === '/logout.cgi') sessions.delete(token);
    if (path === '/getPoePortStatus.cgi') return { body: status30() };
    if (path === '/PoEPortConfig.cgi')
      return { body: method === 'GET' ? settings30() : apply30(new URLSearchParams(body)) };
    return { body: '' };
  };
  const answer316 = ({ method, path, headers, body }: Asked): Said => {
    if (path === '/wmi/login') return { body: challenge() };
    if (path === '/redirect.html') {
      const token = openSession(new URLSearchParams(body).get('LoginPassword'));
      return {
        body: token === undefined ? '<p>no</p>' : `<form><input type="hidden" name="Gambit" value="${token}"></form>`,
      };
    }
    const [page = '', query = ''] = path.split('?');
    const token = new URLSearchParams(query).get('Gambit') ?? '';
    if (!sessions.has(token) || headers.cookie !== `gambitCookie=${token}`)
      return { status: 302, headers: { location: '/wmi/login' } };
    if (page === '/iss/specific/logout.html') sessions.delete(token);
    if (page === '/iss/specific/poePortStatus.html') return { body: status316() };
    if (page === '/iss/specific/poePortConf.html') return { body: method === 'GET' ? settings316() : apply316(body) };
    return { body: '' };
  };

  const device = await fakeDevice((asked) => (family === 'gs30x' ? answer30(asked) : answer316(asked)));
  const twin: PlusTwin = Object.assign(device, {
    ports,
    sessions,
    logins: () => logins,
    staleHashes: 0,
    ignoresWrites: false,
    without: undefined,
  });
  return twin;
}

const ORDER_316 =
  'Gambit,TYPE,PORT_NO,POWER_LIMIT_VALUE,PRIORITY,POWER_MODE,POWER_LIMIT_TYPE,DETECTION,ADMIN_STATE,DISCONNECT_TYPE';
