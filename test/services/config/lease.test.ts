import { describe, expect, it } from 'vitest';
import { check, sound } from './sound-config.ts';

const lease = {
  holder: 'node-a',
  mqtt: { url: 'mqtts://broker.lan:8883', user: 'node-a', password: { file: '/etc/holdover/lease' } },
};

/** What is said of `lease:` with this in it, as path and text. */
function said(change: object, more: object = {}): string[] {
  const checked = check({ ...sound(), ...more, lease: { ...lease, ...change } });
  const problems = checked.ok ? checked.warnings : checked.problems;
  return problems.filter(({ path }) => path.startsWith('lease')).map(({ path, message }) => `${path}: ${message}`);
}

const mqtt = (change: object): object => ({ mqtt: { ...lease.mqtt, ...change } });

describe('lease', () => {
  it('is fine with a broker of its own, over TLS, with a password or a certificate', () => {
    expect(said({})).toEqual([]);
    expect(said({ ttl: '1m', peer: 'http://10.0.0.6:8470' })).toEqual([]);
    const certified = { url: lease.mqtt.url, tls: { cert: '/c.pem', key: { file: '/k' }, ca: '/ca.pem' } };
    expect(said({ mqtt: certified })).toEqual([]);
    const checked = check({ ...sound(), lease });
    expect(checked.ok && checked.config.lease).toMatchObject({ ttl: 15, mqtt: { topic: 'holdover/lease' } });
  });

  it.each<[string, object, RegExp]>([
    ['a broker on this machine', mqtt({ url: 'mqtt://localhost:1883' }), /^lease.mqtt.url: this broker dies with this/],
    ['the same by its IPv6 address', mqtt({ url: 'mqtts://[::1]:8883' }), /dies with this node/],
    [
      'a broker on the other node',
      { ...mqtt({ url: 'mqtts://10.0.0.6:8883' }), peer: 'http://10.0.0.6:8470' },
      /dies with the other node/,
    ],
    ['itself as its peer', { peer: 'http://127.0.0.1:8470' }, /^lease.peer: that is this machine/],
    ['a password in the clear', mqtt({ url: 'mqtt://broker.lan:1883' }), /travels in the clear/],
    ['nobody known to the broker', { mqtt: { url: lease.mqtt.url } }, /whoever may write to this broker/],
    ['a user without password', mqtt({ password: undefined }), /^lease.mqtt: needs user: and password:/],
    ['a password without user', mqtt({ user: undefined }), /^lease.mqtt: needs user: and password:/],
    ['a ttl too short to notice anything', { ttl: '1s' }, /^lease.ttl: /],
    ['a peer with a path', { peer: 'http://10.0.0.6:8470/healthz' }, /^lease.peer: /],
    ['a topic with a wildcard', mqtt({ topic: 'holdover/#' }), /^lease.mqtt.topic: /],
    ['no name', { holder: undefined }, /^lease.holder: /],
    ['an address that is none', mqtt({ url: 'broker.lan' }), /^lease.mqtt.url: /],
  ])('is not fine with %s', (_what, change, expected) => {
    expect(said(change)).toEqual(expect.arrayContaining([expect.stringMatching(expected)]));
  });

  it('must not share its topic with what is published, and needs something to decide', () => {
    const published = { url: lease.mqtt.url, topic: 'holdover/lease' };
    expect(said({}, { mqtt: published })).toEqual([expect.stringMatching(/published below the same topic/)]);
    expect(said({}, { shutdown: {} })).toEqual([expect.stringMatching(/nothing to decide/)]);
  });
});
