import { setTimeout as pause } from 'node:timers/promises';
import type { ProxmoxHaltConfig } from '../config/hosts.ts';
import type { Outcome } from '../shutdown/promises.ts';
import { ProxmoxApi, ProxmoxError, type ProxmoxSecrets } from './proxmox-api.ts';

/**
 * Halts a Proxmox VE node: its guests first, then the node itself (`POST /nodes/{node}/status`, `command=shutdown`,
 * which powers it off two seconds later). What still runs then is stopped by the node's own service `pve-guests`.
 */

interface Guest {
  readonly kind: 'qemu' | 'lxc';
  readonly vmid: number;
  readonly name: string;
}

const LOOK_EVERY_MS = 1000;
/** For guests that were stopped hard, ms. */
const STOPPED_MS = 10_000;
const MOST_NAMES = 8;

/** `done`: the node took the order to power off. Guests that did not obey are named. Never rejects. */
export async function haltProxmox(
  label: string,
  config: ProxmoxHaltConfig,
  secrets: ProxmoxSecrets,
  signal?: AbortSignal,
): Promise<Outcome> {
  const api = new ProxmoxApi(config, secrets);
  const at = `${label} (Proxmox ${config.node} at ${new URL(config.url).host})`;
  // Whatever becomes of the guests, the node has to go: the battery does not wait for them.
  const notes = config.guests === 'leave' ? [] : await haltGuests(api, config, signal);
  const about = notes.length === 0 ? '' : `; ${notes.join('; ')}`;
  try {
    await api.post(`/nodes/${config.node}/status`, { command: 'shutdown' }, signal);
    return about === '' ? { code: 'done' } : { code: 'done', detail: `${at}: powers off${about}` };
  } catch (error) {
    const { code, message } = failureOf(error);
    return { code, detail: `${at}: ${message}${about}` };
  }
}

/** Asks all running guests at once and waits until they are off. What a person should know of it. */
async function haltGuests(api: ProxmoxApi, config: ProxmoxHaltConfig, signal?: AbortSignal): Promise<string[]> {
  const began = performance.now();
  const leftMs = (): number => config.guestTimeout * 1000 - (performance.now() - began);
  try {
    const guests = await runningGuests(api, config, signal);
    if (guests.length === 0) return (await seesGuests(api, signal)) ? [] : [UNSEEN];
    const timeout = String(Math.ceil(config.guestTimeout));
    const refused = await tell(api, config, guests, 'shutdown', { timeout }, signal);
    const obeying = guests.filter((guest) => !refused.has(guest));
    let left = await untilOff(api, config, obeying, leftMs, signal);
    left = guests.filter((guest) => refused.has(guest) || left.includes(guest));
    const notes = [...refused].slice(0, MOST_NAMES).map(([guest, why]) => `${nameOf(guest)}: ${why}`);
    if (left.length === 0) return notes;
    if (config.guests !== 'stop') return [...notes, `still running: ${namesOf(left)}`];
    await tell(api, config, left, 'stop', {}, signal);
    const stopBegan = performance.now();
    const after = await untilOff(api, config, left, () => STOPPED_MS - (performance.now() - stopBegan), signal);
    return [
      ...notes,
      `stopped hard: ${namesOf(left)}`,
      ...(after.length === 0 ? [] : [`still running: ${namesOf(after)}`]),
    ];
  } catch (error) {
    return [`its guests could not be asked: ${failureOf(error).message}`];
  }
}

/** Those among `guests` that still run when the time is over. */
async function untilOff(
  api: ProxmoxApi,
  config: ProxmoxHaltConfig,
  guests: readonly Guest[],
  leftMs: () => number,
  signal?: AbortSignal,
): Promise<readonly Guest[]> {
  let left = guests;
  while (left.length > 0 && leftMs() > 0 && signal?.aborted !== true) {
    await pause(Math.min(LOOK_EVERY_MS, Math.max(0, leftMs())), undefined, signal ? { signal } : {}).catch(() => {});
    // one answer that does not come is no reason to believe anything
    const running = await runningGuests(api, config, signal).catch(() => undefined);
    if (running !== undefined)
      left = left.filter((guest) => running.some(({ kind, vmid }) => kind === guest.kind && vmid === guest.vmid));
  }
  return left;
}

const UNSEEN = 'its token lacks VM.Audit, so no guest was seen and all are left to the node';

/** Guests a token may not see are left out of the lists without a word. */
async function seesGuests(api: ProxmoxApi, signal?: AbortSignal): Promise<boolean> {
  const paths = await api.get('/access/permissions', signal);
  return Object.values(typeof paths === 'object' && paths !== null ? paths : {}).some(
    (privileges: unknown) => typeof privileges === 'object' && privileges !== null && 'VM.Audit' in privileges,
  );
}

/** Guests that would not even take the order, with the reason. */
async function tell(
  api: ProxmoxApi,
  { node }: ProxmoxHaltConfig,
  guests: readonly Guest[],
  order: 'shutdown' | 'stop',
  form: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<Guest, string>> {
  const refused = new Map<Guest, string>();
  await Promise.all(
    guests.map(async (guest) => {
      try {
        await api.post(`/nodes/${node}/${guest.kind}/${guest.vmid}/status/${order}`, form, signal);
      } catch (error) {
        refused.set(guest, failureOf(error).message);
      }
    }),
  );
  return refused;
}

async function runningGuests(api: ProxmoxApi, { node }: ProxmoxHaltConfig, signal?: AbortSignal): Promise<Guest[]> {
  const lists = await Promise.all(
    (['qemu', 'lxc'] as const).map(async (kind) => ({ kind, data: await api.get(`/nodes/${node}/${kind}`, signal) })),
  );
  return lists.flatMap(({ kind, data }) => {
    if (!Array.isArray(data)) throw new ProxmoxError('refused', `the list of ${kind} guests is none`);
    return data.flatMap((each: unknown) => guestOf(kind, each));
  });
}

function guestOf(kind: Guest['kind'], value: unknown): Guest[] {
  if (typeof value !== 'object' || value === null) return [];
  const { vmid, status, name } = value as Readonly<Record<string, unknown>>;
  const id = Number(vmid);
  if (status !== 'running' || !Number.isInteger(id) || id <= 0) return [];
  return [{ kind, vmid: id, name: typeof name === 'string' ? name.replace(/[^\x21-\x7e]+/g, '_').slice(0, 40) : '' }];
}

const nameOf = ({ vmid, name }: Guest): string => (name === '' ? String(vmid) : `${vmid} (${name})`);

const namesOf = (guests: readonly Guest[]): string =>
  guests.slice(0, MOST_NAMES).map(nameOf).join(', ') +
  (guests.length > MOST_NAMES ? ` and ${guests.length - MOST_NAMES} more` : '');

function failureOf(error: unknown): { readonly code: ProxmoxError['code']; readonly message: string } {
  if (error instanceof ProxmoxError) return error;
  return { code: 'refused', message: 'the request could not be made' };
}
