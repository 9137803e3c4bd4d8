import type { PortSample } from '../rack/samples.ts';
import type { WebAnswer, WebRequest } from '../runtime/web-link.ts';
import {
  decodeGs30xSettings,
  decodeGs30xStatus,
  decodeGs316Settings,
  decodeGs316Status,
  hiddenValue,
  type PlusSetting,
  type PlusSettings,
} from './netgear-pages.ts';

/** The two families of Netgear "Plus" switches with PoE: which page is where, and how a port is written. Pure. */

export interface PlusSession {
  readonly cookie: string;
  /** Token of the GS316, which stands in every address. */
  readonly gambit?: string;
}

export interface PlusFamily {
  /** Page with the challenge. */
  readonly loginPage: string;
  /** The request with the hash of the password. */
  login(hash: string): WebRequest;
  /** The session an answer to the login opened, if it did. */
  sessionOf(answer: Pick<WebAnswer, 'headers' | 'text'>): PlusSession | undefined;
  status(session: PlusSession): WebRequest;
  settings(session: PlusSession): WebRequest;
  /** Switches one port and leaves everything else of it as it is. */
  write(session: PlusSession, setting: PlusSetting, enabled: boolean, hash: string | undefined): WebRequest;
  logout(session: PlusSession): WebRequest;
  decodeStatus(page: string): readonly PortSample[];
  decodeSettings(page: string): PlusSettings;
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const encoded = (fields: Readonly<Record<string, string>>): string => new URLSearchParams(fields).toString();

export const gs30x: PlusFamily = {
  loginPage: '/login.cgi',
  login: (hash) => ({ method: 'POST', path: '/login.cgi', headers: FORM, body: encoded({ password: hash }) }),
  sessionOf: ({ headers }) => {
    for (const line of headers['set-cookie'] ?? []) {
      const value = /^SID=([^;\s]+)/.exec(line)?.[1];
      if (value !== undefined) return { cookie: `SID=${value}` };
    }
    return undefined;
  },
  status: ({ cookie }) => ({ method: 'GET', path: '/getPoePortStatus.cgi', headers: { cookie } }),
  settings: ({ cookie }) => ({ method: 'GET', path: '/PoEPortConfig.cgi', headers: { cookie } }),
  write: ({ cookie }, { port, form = {} }, enabled, hash = '') => ({
    method: 'POST',
    path: '/PoEPortConfig.cgi',
    headers: { ...FORM, cookie },
    // Whatever is not sent takes its default, so all of it goes back as it was read.
    body: encoded({
      hash,
      ACTION: 'Apply',
      portID: String(Number(port) - 1),
      ADMIN_MODE: enabled ? '1' : '0',
      ...form,
    }),
  }),
  logout: ({ cookie }) => ({ method: 'POST', path: '/logout.cgi', headers: { ...FORM, cookie }, body: '' }),
  decodeStatus: decodeGs30xStatus,
  decodeSettings: decodeGs30xSettings,
};

const gambitOf = ({ gambit = '' }: PlusSession): string => encoded({ Gambit: gambit });

export const gs316: PlusFamily = {
  loginPage: '/wmi/login',
  login: (hash) => ({ method: 'POST', path: '/redirect.html', headers: FORM, body: encoded({ LoginPassword: hash }) }),
  sessionOf: ({ text }) => {
    const gambit = hiddenValue(text, 'Gambit');
    return gambit === undefined || !/^[\w-]+$/.test(gambit) ? undefined : { cookie: `gambitCookie=${gambit}`, gambit };
  },
  status: (session) => ({
    method: 'GET',
    path: '/iss/specific/poePortStatus.html',
    secretQuery: `GetData=TRUE&${gambitOf(session)}`,
    headers: { cookie: session.cookie },
  }),
  settings: (session) => ({
    method: 'GET',
    path: '/iss/specific/poePortConf.html',
    secretQuery: gambitOf(session),
    headers: { cookie: session.cookie },
  }),
  write: (session, { port }, enabled) => ({
    method: 'POST',
    path: '/iss/specific/poePortConf.html',
    secretQuery: gambitOf(session),
    headers: { ...FORM, cookie: session.cookie },
    // The switch reads the fields in this order.
    body: encoded({
      Gambit: session.gambit ?? '',
      TYPE: 'submitPoe',
      PORT_NO: port,
      POWER_LIMIT_VALUE: 'NOTSET',
      PRIORITY: 'NOTSET',
      POWER_MODE: 'NOTSET',
      POWER_LIMIT_TYPE: 'NOTSET',
      DETECTION: 'NOTSET',
      ADMIN_STATE: enabled ? '1' : '0',
      DISCONNECT_TYPE: 'NOTSET',
    }),
  }),
  logout: (session) => ({
    method: 'GET',
    path: '/iss/specific/logout.html',
    secretQuery: gambitOf(session),
    headers: { cookie: session.cookie },
  }),
  decodeStatus: decodeGs316Status,
  decodeSettings: decodeGs316Settings,
};
