import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../services/config/load.ts';
import { discoveryPrefix } from '../../../services/config/mqtt.ts';

const problemsOf = (section: object): string[] => {
  const checked = checkConfig(JSON.stringify(section));
  return (checked.ok ? checked.warnings : checked.problems)
    .filter(({ path }) => /^(mqtt|influx)/.test(path))
    .map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
};

const url = 'http://10.0.0.4:8086';

describe('the configuration of InfluxDB', () => {
  it.each([
    [{ url, bucket: 'b' }],
    [{ url, bucket: 'b', token: { env: 'T' }, spoolMiB: 0 }],
    [{ url, database: 'd' }],
    [{ url, database: 'd', user: 'u', password: { env: 'P' }, retentionPolicy: 'r', every: '5s' }],
  ])('takes %j', (influx) => {
    expect(problemsOf({ influx })).toEqual([]);
  });

  it.each([
    [{ url }, /influx.bucket: .*give bucket .* or database/],
    [{ url, bucket: 'b', database: 'd' }, /influx.database: .*either bucket or database/],
    [{ url, bucket: 'b', user: 'u', password: { env: 'P' } }, /influx.user: .*a bucket has a token/],
    [{ url, database: 'd', token: { env: 'T' } }, /influx.database: .*a token goes with bucket/],
    [{ url, database: 'd', user: 'u' }, /influx.user: .*user and password go together/],
    [{ url: 'ftp://x', bucket: 'b' }, /influx.url/],
    [{ url, bucket: 'b', spoolMiB: -1 }, /influx.spoolMiB/],
  ])('refuses %j', (influx, reason) => {
    expect(problemsOf({ influx })).toEqual([expect.stringMatching(reason)]);
  });
});

describe('the configuration of MQTT', () => {
  const users = [{ user: 'ann', password: { env: 'A' }, write: true, orders: ['coordinator/main/set/+'], read: ['#'] }];

  it.each([
    [{ url: 'mqtts://broker:8883', commands: true, homeAssistant: true }],
    [{ url: 'mqtt://127.0.0.1', commands: true, homeAssistant: { prefix: 'ha/test' } }],
    [{ embedded: { users, tls: { cert: '/c.pem', key: { file: '/k.pem' } } }, commands: true, topic: 'home/rack' }],
  ])('takes %j', (mqtt) => {
    expect(problemsOf({ mqtt })).toEqual([]);
  });

  it.each([
    [{ url: 'mqtt://broker', topic: 'a/#' }, /mqtt.topic/],
    [{ url: 'mqtt://broker', homeAssistant: { prefix: 'a b' } }, /homeAssistant/],
    [{ embedded: { users: [{ ...users[0], orders: ['a#'] }] } }, /orders/],
    [{ embedded: { users: [{ ...users[0], read: ['a/+b'] }] } }, /read/],
  ])('refuses %j', (mqtt, reason) => {
    expect(problemsOf({ mqtt })).toEqual([expect.stringMatching(reason)]);
  });

  it.each([
    [{ url: 'mqtt://broker', commands: true }, /in the clear/],
    [{ embedded: {}, commands: true }, /no user of the embedded broker may give orders/],
  ])('warns of %j', (mqtt, reason) => {
    expect(problemsOf({ mqtt })).toEqual([expect.stringMatching(new RegExp(`^warning .*${reason.source}`))]);
  });

  it('knows where discovery messages go', () => {
    expect(discoveryPrefix({})).toBeUndefined();
    expect(discoveryPrefix({ homeAssistant: false })).toBeUndefined();
    expect(discoveryPrefix({ homeAssistant: true })).toBe('homeassistant');
    expect(discoveryPrefix({ homeAssistant: { prefix: 'x' } })).toBe('x');
  });
});
