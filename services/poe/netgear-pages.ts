import { createHash } from 'node:crypto';
import type { PortPriority, PortSample, PortState } from '../rack/samples.ts';
import { decimal, known, milliamps, volts, watts } from './figures.ts';
import { elements, type HtmlElement, parseHtml, textOf } from './html.ts';

/** What the pages of Netgear "Plus" switches say, and what their logins want. Pure. */

/** One port as the page of settings has it. */
export interface PlusSetting {
  /** As on the front panel, from 1. */
  readonly port: string;
  readonly enabled?: boolean;
  readonly priority?: PortPriority;
  /** What has to be sent back with every write of this port, by the names of the form; absent when a field is missing. */
  readonly form?: Readonly<Record<string, string>>;
}

export interface PlusSettings {
  readonly ports: readonly PlusSetting[];
  /** Changes with the page; what is written must carry it. GS30x only. */
  readonly hash?: string;
}

/** Password and challenge, one character of each in turn, then the rest of the longer one. */
export function mergePassword(password: string, rand: string): string {
  let merged = '';
  for (let at = 0; at < Math.max(password.length, rand.length); at += 1)
    merged += (password[at] ?? '') + (rand[at] ?? '');
  return merged;
}

/** What the login wants in place of the password. */
export const loginHash = (password: string, rand: string): string =>
  createHash('md5').update(mergePassword(password, rand)).digest('hex');

/** The value of a hidden field, by its id or name. */
export function hiddenValue(page: string, name: string): string | undefined {
  const root = parseHtml(page);
  const [input] = [...elements(root, { tag: 'input', id: name }), ...elements(root, { tag: 'input', name })];
  const value = input?.attributes.value;
  return value === '' ? undefined : value;
}

/** Whether a page is there in place of another because the session is gone. */
export const asksForLogin = (page: string): boolean =>
  page.trim() === '' || /\/login\.cgi|\/wmi\/login|\/redirect\.html/.test(page);

/** In English; the other languages of these pages are told by the power and the setting. */
const STATES: Readonly<Record<string, PortState>> = {
  'delivering power': 'delivering',
  searching: 'searching',
  disabled: 'disabled',
};

function stateOf(words: string, powerW: number | undefined): PortState {
  const state = STATES[words.toLowerCase()];
  if (state !== undefined) return state;
  if (/fault|short|overload|denied|error/i.test(words)) return 'fault';
  return powerW !== undefined && powerW > 0 ? 'delivering' : 'unknown';
}

/** `GS30x`: `getPoePortStatus.cgi`. */
export function decodeGs30xStatus(page: string): PortSample[] {
  return elements(parseHtml(page), { tag: 'li', class: 'poePortStatusListItem' }).flatMap((item) => {
    const port = portNumber(elements(item, { tag: 'input', class: 'port' })[0]?.attributes.value);
    if (port === undefined) return [];
    // Labels change with the language, so values are known by their place: label, value, label, value, …
    const [box] = elements(item, { class: 'poe_port_status' });
    const spans = box === undefined ? [] : elements(box, { tag: 'span' }).map(textOf);
    return [
      portSample(port, {
        state: textOf(elements(item, { class: 'poe-power-mode' })[0]),
        poeClass: textOf(elements(item, { class: 'poe-portPwr-width' })[0]),
        voltage: spans[1],
        current: spans[3],
        power: spans[5],
      }),
    ];
  });
}

/** `GS316`: `poePortStatus.html`. */
export function decodeGs316Status(page: string): PortSample[] {
  return portBoxes(parseHtml(page)).map(([port, box]) => {
    const of = (name: string): string => textOf(elements(box, { class: name })[0]);
    return portSample(port, {
      state: of('Status-text'),
      poeClass: of('Class-text'),
      voltage: of('OutputVoltage-text'),
      current: of('OutputCurrent-text'),
      power: of('OutputPower-text'),
    });
  });
}

interface Told {
  readonly state: string;
  readonly poeClass: string;
  readonly voltage: string | undefined;
  readonly current: string | undefined;
  readonly power: string | undefined;
}

function portSample(port: string, told: Told): PortSample {
  const powerW = watts(decimal(told.power));
  const state = stateOf(told.state, powerW);
  // `ml003@4@`: the number of a text, and class 4.
  const poeClass = /@([0-8])@/.exec(told.poeClass)?.[1];
  return {
    port,
    state,
    ...known({
      powerW,
      voltageV: volts(told.voltage),
      currentA: milliamps(told.current),
      poeClass: state === 'delivering' && poeClass !== undefined ? Number(poeClass) : undefined,
    }),
  };
}

const GS30X_PRIORITIES: Readonly<Record<string, PortPriority>> = { 0: 'low', 2: 'high', 3: 'critical' };

/** `GS30x`: `PoEPortConfig.cgi`. A port whose fields are not all there has no form. */
export function decodeGs30xSettings(page: string): PlusSettings {
  const root = parseHtml(page);
  const ports = elements(root, { tag: 'li', class: 'poePortSettingListItem' }).flatMap((item): PlusSetting[] => {
    const port = portNumber(elements(item, { tag: 'input', class: 'port' })[0]?.attributes.value);
    if (port === undefined) return [];
    const byId = (id: string) => elements(item, { tag: 'input', id })[0]?.attributes.value;
    const byClass = (name: string) => elements(item, { tag: 'input', class: name })[0]?.attributes.value;
    const admin = byId('hidPortPwr');
    const form = {
      PORT_PRIO: byId('hidPortPrio'),
      POW_MOD: byId('hidPwrMode'),
      POW_LIMT_TYP: byId('hidLimitType'),
      POW_LIMT: byClass('pwrLimit'),
      DETEC_TYP: byId('hidDetecType'),
      DISCONNECT_TYP: byClass('longerDetect'),
    };
    const told = known(form);
    const whole = Object.keys(told).length === Object.keys(form).length && (admin === '0' || admin === '1');
    return [
      {
        port,
        ...known({
          enabled: admin === '1' ? true : admin === '0' ? false : undefined,
          priority: GS30X_PRIORITIES[form.PORT_PRIO ?? ''],
          form: whole ? (told as Readonly<Record<string, string>>) : undefined,
        }),
      },
    ];
  });
  const [hash] = elements(root, { tag: 'input', id: 'hash' });
  return { ports, ...known({ hash: hash?.attributes.value || undefined }) };
}

/** `GS316`: `poePortConf.html`. What is not to change is sent as NOTSET, so nothing has to be sent back. */
export function decodeGs316Settings(page: string): PlusSettings {
  const root = parseHtml(page);
  const [list = root] = elements(root, { id: 'POE_SETTING' });
  const ports = portBoxes(list).map(([port, box]): PlusSetting => {
    const of = (name: string): string => {
      const [found] = elements(box, { class: name });
      return (found?.attributes.value ?? textOf(found)).toLowerCase();
    };
    const admin = /^(enable|disable)d?$/.exec(of('admin-state'))?.[1];
    const priority = /^(low|high|critical)$/.exec(of('port-priority'))?.[1] as PortPriority | undefined;
    return {
      port,
      ...known({
        enabled: admin === undefined ? undefined : admin === 'enable',
        priority,
        form: admin === undefined ? undefined : {},
      }),
    };
  });
  return { ports };
}

/** `1 - name`, in every box of a port. */
function portBoxes(root: HtmlElement): [string, HtmlElement][] {
  return elements(root, { class: 'port-wrap' }).flatMap((box) => {
    const port = portNumber(/^\d+/.exec(textOf(elements(box, { class: 'port-number' })[0]))?.[0]);
    return port === undefined ? [] : [[port, box]];
  });
}

const portNumber = (text: string | undefined): string | undefined =>
  text !== undefined && /^[1-9]\d?$/.test(text) ? text : undefined;
