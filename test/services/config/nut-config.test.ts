import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../services/config/load.ts';
import { evidenceUpses } from '../../../services/config/nut.ts';
import { configOf } from './sound-config.ts';

const check = (config: object) => {
  const checked = checkConfig(JSON.stringify(config));
  return checked.ok ? checked.warnings : checked.problems;
};
const paths = (config: object): string[] => check(config).map(({ path }) => path);
const apc = { id: 'apc', driver: 'nut', host: '10.0.0.5', ups: 'apc' };
const user = { user: 'sec', password: { env: 'P' }, upsmon: 'secondary' };

describe('UPSes', () => {
  it('over NUT need an address and a name; the rest has defaults', () => {
    expect(configOf({ ups: [apc] }).ups).toEqual([{ ...apc, port: 3493, login: false, every: 2 }]);
  });

  it.each([
    ['one twice', { ups: [apc, apc] }, 'ups[1].id'],
    ['a name without a password', { ups: [{ ...apc, user: 'me' }] }, 'ups[0]'],
    ['a login without a name', { ups: [{ ...apc, login: true }] }, 'ups[0].login'],
    ['a driver that reads packs', { ups: [{ id: 'x', driver: 'jbd', via: { serial: '/dev/x' } }] }, 'ups[0].driver'],
    [
      'a driver that nobody knows',
      { ups: [{ id: 'x', driver: 'nosuch', via: { serial: '/dev/x' } }] },
      'ups[0].driver',
    ],
    ['evidence by one that is not there', { ups: [apc], mains: { evidence: [{ ups: 'other' }] } }, 'mains.evidence[0]'],
    [
      'evidence that logs in without a name',
      { mains: { evidence: [{ nut: { host: 'a', ups: 'b', login: true } }] } },
      'mains.evidence[0].nut.login',
    ],
  ])('are refused when there is %s', (_, config, path) => {
    expect(paths(config)).toContain(path);
  });

  it('that only evidence names are read once, under a name of their own', () => {
    const { mains } = configOf({
      mains: {
        evidence: [
          { nut: { host: '10.0.0.5', ups: 'apc' } },
          { nut: { host: '10.0.0.5', ups: 'apc' } },
          { nut: { host: 'b.lan', port: 9, ups: 'x' } },
        ],
      },
    });
    expect(evidenceUpses(mains.evidence).map(({ id }) => id)).toEqual(['apc-10-0-0-5', 'x-b-lan-9']);
  });

  it('are enough to tell that mains is away', () => {
    const shutdown = { stages: [{ name: 'all', hosts: ['pi'] }] };
    const hosts = [
      {
        id: 'pi',
        address: 'pi',
        halt: { ssh: { user: 'a', key: { file: '/k' }, hostKey: `SHA256:${'0'.repeat(43)}` } },
      },
    ];
    expect(paths({ hosts, shutdown, ups: [apc] })).toEqual([]);
    expect(paths({ hosts, shutdown })).toContain('mains.evidence');
  });
});

describe('the NUT server', () => {
  const nut = { users: [user] };

  it('listens on loopback, is called ups, and lets anyone read', () => {
    expect(configOf({ ups: [apc], nut }).nut).toMatchObject({
      listen: '127.0.0.1:3493',
      ups: ['ups'],
      allowRead: 'anyone',
      maxClients: 256,
      idleTimeout: 300,
    });
    expect(check({ ups: [apc], nut })).toEqual([]);
  });

  it.each([
    ['a user twice', { users: [user, user] }, 'nut.users[1].user'],
    ['a stage that is not there', { users: [{ ...user, stage: 'x' }] }, 'nut.users[0].stage'],
    ['nobody who could read', { users: [], allowRead: 'users' }, 'nut.allowRead'],
    ['passwords in the clear on the network', { listen: '0.0.0.0:3493', users: [user] }, 'nut.listen'],
    ['a description with a quote', { description: 'a "b"' }, 'nut.description'],
    ['a description that is not ASCII', { description: 'Büro' }, 'nut.description'],
    ['clients let go before they ask again', { idleTimeout: 30 }, 'nut.idleTimeout'],
    ['a secret in the file', { users: [{ ...user, password: 'secret' }] }, 'nut.users[0].password'],
  ])('is questioned for %s', (_, more, path) => {
    expect(paths({ ups: [apc], nut: more })).toContain(path);
  });

  it('without a battery has nothing to say', () => {
    expect(paths({ nut })).toContain('nut');
  });
});
