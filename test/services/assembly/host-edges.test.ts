import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { openHosts } from '../../../services/assembly/host-edges.ts';
import { hostSchema } from '../../../services/config/hosts.ts';
import { systemClock } from '../../../services/runtime/clock.ts';
import { UserError } from '../../../services/runtime/errors.ts';

const dir = mkdtempSync(join(tmpdir(), 'holdover-hosts-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const SECRET = 'hunter2-hunter2-hunter2';
const put = (name: string, text: string): { file: string } => {
  writeFileSync(join(dir, name), text);
  return { file: join(dir, name) };
};
const token = put('token', `${SECRET}\n`);
const nowhere = { file: join(dir, 'nothing') };
const proxmox = { url: 'https://10.0.0.31:8006', node: 'pve1', token: { id: 'a@pve!b', secret: token } };

const open = (halt: object) => openHosts([hostSchema.parse({ id: 'nuc1', address: '10.0.0.1', halt })], systemClock);

it('opens nothing but reads everything at the start', () => {
  const { hosts, agents } = open({ agent: { token } });
  expect(hosts.map(({ id }) => id)).toEqual(['nuc1']);
  expect(agents?.knows('nuc1', SECRET)).toBe(true);
  expect(open({ proxmox }).agents).toBeUndefined();
});

const file = (context: object) => put('talosconfig', stringify({ context: 'home', contexts: { home: context } })).file;

it.each([
  ['a key for Talos', () => ({ talos: { ca: token, crt: token, key: nowhere } }), /halt\.talos\.key: .*ENOENT/],
  ['a talosconfig', () => ({ talos: { talosconfig: nowhere.file } }), /halt\.talos\.talosconfig: .*ENOENT/],
  [
    'something in a talosconfig',
    () => ({ talos: { talosconfig: file({ ca: SECRET }) } }),
    /talosconfig: ca of context home/,
  ],
  ['a context', () => ({ talos: { talosconfig: file({}), context: 'x' } }), /no context x, but home/],
  [
    'a token for Proxmox',
    () => ({ proxmox: { ...proxmox, token: { id: 'a@pve!b', secret: nowhere } } }),
    /proxmox\.token\.secret/,
  ],
  ['an authority for Proxmox', () => ({ proxmox: { ...proxmox, ca: nowhere.file } }), /proxmox\.ca/],
  ['a variable', () => ({ command: { argv: ['/bin/true'], env: { P: nowhere } } }), /command\.env\.P/],
  ['a token for an agent', () => ({ agent: { token: nowhere } }), /agent\.token/],
  ['a token long enough', () => ({ agent: { token: put('short', 'abc') } }), /fewer than 16/],
])('misses %s at the start and not in the dark', (_, halt, message) => {
  const opening = () => open(halt());
  expect(opening).toThrow(UserError);
  expect(opening).toThrow(message);
  expect(opening).not.toThrow(SECRET);
});
