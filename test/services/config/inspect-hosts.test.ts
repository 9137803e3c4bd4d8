import { describe, expect, it } from 'vitest';
import { askable, hostSchema, probeTarget } from '../../../services/config/hosts.ts';
import { check, sound } from './sound-config.ts';

const talosconfig = { talosconfig: '/etc/holdover/talosconfig' };
const proxmox = {
  url: 'https://10.0.0.31:8006',
  node: 'pve1',
  token: { id: 'holdover@pve!halt', secret: { file: '/s' } },
};
const command = { argv: ['/usr/bin/ipmitool', 'power', 'soft'] };
const agent = { token: { file: '/t' } };

/** The sound configuration with another way to halt `pi1`, and other keys: what is said of hosts. */
function problemsOf(halt: object, more: object = {}, http: object = {}) {
  const config = sound();
  const hosts = config.hosts.map((host) => (host.id === 'pi1' ? { ...host, halt, ...more } : host));
  const checked = check({ ...config, hosts, http: { ...config.http, ...http } });
  return (checked.ok ? checked.warnings : checked.problems).filter(({ path }) => path.startsWith('hosts['));
}

describe('a way of halting', () => {
  it.each([
    ['talos with a talosconfig', { talos: talosconfig }],
    ['talos with its own certificates', { talos: { ca: { file: '/a' }, crt: { file: '/b' }, key: { file: '/c' } } }],
    ['talos through others', { talos: { ...talosconfig, context: 'home', endpoints: ['10.0.0.1'], force: false } }],
    ['proxmox', { proxmox }],
    [
      'proxmox with everything',
      { proxmox: { ...proxmox, fingerprint: 'AB:'.repeat(31).concat('CD'), guests: 'stop' } },
    ],
    ['a command', { command }],
  ])('%s: fine', (_, halt) => {
    expect(problemsOf(halt)).toEqual([]);
  });

  it.each([
    ['none', {}, 'hosts[1].halt', /exactly one of ssh, talos/],
    ['two', { command, agent }, 'hosts[1].halt', /exactly one of/],
    ['talos without credentials', { talos: {} }, 'hosts[1].halt.talos', /either talosconfig: or all of ca:/],
    [
      'talos with both',
      { talos: { ...talosconfig, ca: { file: '/a' } } },
      'hosts[1].halt.talos',
      /either talosconfig:/,
    ],
    [
      'talos by a port in the address',
      { talos: { ...talosconfig, address: 'a b' } },
      'hosts[1].halt.talos.address',
      /an address/,
    ],
    ['a key written down', { talos: { key: 'hunter2hunter2' } }, 'hosts[1].halt.talos.key', /where the secret is/],
    [
      'proxmox in the clear',
      { proxmox: { ...proxmox, url: 'http://10.0.0.31:8006' } },
      'hosts[1].halt.proxmox.url',
      /https/,
    ],
    [
      'a token of nobody',
      { proxmox: { ...proxmox, token: { id: 'root', secret: { file: '/s' } } } },
      'hosts[1].halt.proxmox.token.id',
      /holdover@pve!halt/,
    ],
    [
      'a secret written down',
      { proxmox: { ...proxmox, token: { id: 'a@pve!b', secret: 'hunter2hunter2' } } },
      'hosts[1].halt.proxmox.token.secret',
      /where the secret is/,
    ],
    [
      'half a fingerprint',
      { proxmox: { ...proxmox, fingerprint: 'AB:CD' } },
      'hosts[1].halt.proxmox.fingerprint',
      /SHA-256/,
    ],
    [
      'two kinds of trust',
      { proxmox: { ...proxmox, ca: '/c', fingerprint: 'ab'.repeat(32) } },
      'hosts[1].halt.proxmox',
      /either ca:/,
    ],
    [
      'guests without end',
      { proxmox: { ...proxmox, guestTimeout: '10m' } },
      'hosts[1].halt.proxmox.guestTimeout',
      /at most 240s/,
    ],
    ['a command without its path', { command: { argv: ['ipmitool'] } }, 'hosts[1].halt.command.argv', /whole path/],
    ['a command as one word', { command: { argv: 'reboot now' } }, 'hosts[1].halt.command.argv', /expected array/],
    [
      'a token of an agent written down',
      { agent: { token: 'hunter2hunter2' } },
      'hosts[1].halt.agent.token',
      /where the secret is/,
    ],
  ])('%s: an error', (_, halt, path, message) => {
    const problems = problemsOf(halt);
    expect(problems).toContainEqual(
      expect.objectContaining({ severity: 'error', path, message: expect.stringMatching(message) }),
    );
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  it.each([
    ['talos nowhere', { talos: talosconfig }, { address: undefined }, 'hosts[1].halt.talos', /no address/],
    ['guests longer than the host', { proxmox }, { haltTimeout: '60s' }, 'hosts[1].haltTimeout', /cut after 60 s/],
    ['a command longer than the host', { command }, { haltTimeout: '10s' }, 'hosts[1].haltTimeout', /command.timeout/],
    ['an agent longer than the host', { agent }, { haltTimeout: '20s' }, 'hosts[1].haltTimeout', /agent.timeout/],
  ])('%s: an error that only the whole tells', (_, halt, more, path, message) => {
    expect(problemsOf(halt, more)).toContainEqual(
      expect.objectContaining({ severity: 'error', path, message: expect.stringMatching(message) }),
    );
  });

  it('takes an address of its own for Talos', () => {
    const halt = { talos: { ...talosconfig, address: '10.0.0.21' } };
    expect(problemsOf(halt, { address: undefined })).toEqual([]);
  });

  it('leaves guests to the node without asking for their time', () => {
    expect(problemsOf({ proxmox: { ...proxmox, guests: 'leave' } }, { haltTimeout: '60s' })).toEqual([]);
  });

  it('warns where nothing tells that the machine is off', () => {
    const unseen = { address: undefined, poe: undefined };
    expect(problemsOf({ command }, unseen)).toContainEqual(
      expect.objectContaining({ severity: 'warning', path: 'hosts[1]', message: expect.stringContaining('is off') }),
    );
    expect(problemsOf({ command }, { address: undefined })).toEqual([]);
    expect(problemsOf({ agent }, unseen, { listen: '0.0.0.0:8470', readToken: true })).toEqual([]);
  });

  it('warns of an agent that cannot reach the service', () => {
    expect(problemsOf({ agent })).toContainEqual(
      expect.objectContaining({
        severity: 'warning',
        path: 'hosts[1].halt.agent',
        tryThis: expect.stringContaining('0.0.0.0'),
      }),
    );
    expect(problemsOf({ agent }, {}, { listen: '10.0.0.5:8470', readToken: true })).toEqual([]);
  });
});

describe('where a machine is asked whether it runs', () => {
  const host = (rest: object) => hostSchema.parse({ id: 'a', ...rest });
  it.each([
    ['a bare address', { address: '10.0.0.1' }, { host: '10.0.0.1', port: 22 }],
    ['talos', { address: '10.0.0.1', halt: { talos: talosconfig } }, { host: '10.0.0.1', port: 50_000 }],
    ['proxmox by its url', { halt: { proxmox } }, { host: '10.0.0.31', port: 8006 }],
    [
      'proxmox on IPv6',
      { halt: { proxmox: { ...proxmox, url: 'https://[fd00::1]:8006' } } },
      { host: 'fd00::1', port: 8006 },
    ],
    ['proxmox without a port', { halt: { proxmox: { ...proxmox, url: 'https://pve' } } }, { host: 'pve', port: 443 }],
    ['a command', { address: '10.0.0.1', probePort: 443, halt: { command } }, { host: '10.0.0.1', port: 443 }],
    [
      'an agent, by a port of its choice',
      { address: '10.0.0.1', probePort: 80, halt: { agent } },
      { host: '10.0.0.1', port: 80 },
    ],
    ['an agent', { address: '10.0.0.1', halt: { agent } }, undefined],
    ['nowhere', { halt: { command } }, undefined],
  ])('%s', (_, rest, target) => {
    expect(probeTarget(host(rest))).toEqual(target);
  });

  it('an agent tells by itself', () => {
    expect(askable(host({ halt: { agent } }))).toBe(true);
    expect(askable(host({ halt: { command } }))).toBe(false);
  });
});
