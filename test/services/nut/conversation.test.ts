import { afterEach, describe, expect, it } from 'vitest';
import { allStale, snapshotFixture, withRack } from '../telemetry/snapshot-fixture.ts';
import { outage, type RunningServer, type ServeOptions, serve } from './running-server.ts';

let running: RunningServer | undefined;

async function server(options?: ServeOptions): Promise<RunningServer> {
  running = await serve(options);
  return running;
}

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const ID = /^OK TRACKING ([0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12})$/;

describe('reading without a name', () => {
  it('says what it is, as a line that exporters find the version in', async () => {
    const talk = await (await server()).talk();
    expect(await talk.ask('VER')).toMatch(/upsd \d+\.\d+\.\d+ - /);
    expect(await talk.asks('NETVER', 'PROTVER', 'HELP')).toEqual([
      '1.3',
      '1.3',
      'Commands: HELP VER GET LIST SET INSTCMD LOGIN LOGOUT USERNAME PASSWORD STARTTLS',
    ]);
  });

  it('lists one UPS and answers to its other names, repeating them as they were written', async () => {
    const talk = await (await server()).talk();
    expect(await talk.ask('LIST UPS')).toBe('BEGIN LIST UPS\nUPS rack "holdover battery bank"\nEND LIST UPS');
    expect(await talk.ask('GET VAR UPS Battery.Charge')).toBe('VAR UPS Battery.Charge "81"');
    expect(await talk.ask('GET UPSDESC Rack')).toBe('UPSDESC Rack "holdover battery bank"');
    expect(await talk.ask('GET VAR other ups.status')).toBe('ERR UNKNOWN-UPS');
  });

  it('lists every variable sorted, in ASCII, each line shorter than 512 bytes', async () => {
    const talk = await (await server()).talk();
    const block = (await talk.ask('LIST VAR rack')).split('\n');
    expect(block[0]).toBe('BEGIN LIST VAR rack');
    expect(block.at(-1)).toBe('END LIST VAR rack');
    const names = block.slice(1, -1).map((line) => /^VAR rack ([\w.]+) "[\x20-\x7e]*"$/.exec(line)?.[1]);
    expect(names).not.toContain(undefined);
    expect(names).toEqual([...names].sort());
    for (const line of block) expect(line.length).toBeLessThan(511);
    for (const name of [
      'ups.status',
      'battery.charge',
      'battery.charge.low',
      'battery.runtime',
      'battery.runtime.low',
      'battery.voltage',
      'battery.type',
      'ups.load',
      'ups.realpower',
      'ups.mfr',
      'ups.model',
      'ups.serial',
      'device.mfr',
      'device.model',
      'device.serial',
      'device.type',
      'outlet.count',
      'input.voltage',
    ])
      expect(names).toContain(name);
  });

  it('tells values in the units of NUT', async () => {
    const talk = await (await server()).talk();
    expect(
      await talk.asks(
        'GET VAR ups battery.voltage',
        'GET VAR ups battery.runtime',
        'GET VAR ups input.voltage',
        'GET VAR ups ups.load',
        'GET VAR ups ups.realpower',
        'GET VAR ups battery.temperature',
        'GET VAR ups outlet.count',
        'GET VAR ups outlet.3.name',
        'GET VAR ups outlet.3.timer.shutdown',
        'GET VAR ups ups.timer.shutdown',
        'GET VAR ups device.serial',
        'GET VAR ups device.model',
      ),
    ).toEqual([
      'VAR ups battery.voltage "52.98"',
      'VAR ups battery.runtime "50880"',
      'VAR ups input.voltage "118.2"',
      'VAR ups ups.load "16"',
      'VAR ups ups.realpower "276"',
      'VAR ups battery.temperature "25.3"',
      'VAR ups outlet.count "3"',
      'VAR ups outlet.3.name "control-plane"',
      'VAR ups outlet.3.timer.shutdown "-1"',
      'VAR ups ups.timer.shutdown "-1"',
      `VAR ups device.serial "A'1"`,
      'VAR ups device.model "battery bank of closet"',
    ]);
  });

  it('describes and types what it has, and says it softly of what it has not', async () => {
    const talk = await (await server()).talk();
    expect(
      await talk.asks(
        'GET DESC rack battery.charge',
        'GET DESC rack no.such.thing',
        'GET CMDDESC rack shutdown.return',
        'GET CMDDESC rack no.such',
        'GET TYPE rack battery.charge',
        'GET TYPE rack battery.charge.low',
        'GET TYPE rack ups.id',
        'GET TYPE rack battery.type',
        'GET TYPE rack no.such',
        'GET VAR rack no.such',
        'GET VAR rack server.version',
        'GET NUMLOGINS rack',
        'GET TRACKING',
        'GET TRACKING 2DDC5036-F665-4D29-BE4C-0374D091D263',
      ),
    ).toEqual([
      'DESC rack battery.charge "State of charge by the model of the service (percent of full)"',
      'DESC rack no.such.thing "Description unavailable"',
      'CMDDESC rack shutdown.return "All stages go down now, and come back with mains"',
      'CMDDESC rack no.such "Description unavailable"',
      'TYPE rack battery.charge NUMBER',
      'TYPE rack battery.charge.low RW RANGE NUMBER',
      'TYPE rack ups.id RW STRING:48',
      'TYPE rack battery.type STRING:200',
      'ERR VAR-NOT-SUPPORTED',
      'ERR VAR-NOT-SUPPORTED',
      'VAR rack server.version "0.1.0"',
      'NUMLOGINS rack 0',
      'OFF',
      'ERR FEATURE-NOT-CONFIGURED',
    ]);
    expect(await talk.ask('LIST RANGE rack battery.charge.low')).toBe(
      'BEGIN LIST RANGE rack battery.charge.low\nRANGE rack battery.charge.low "0" "100"\nEND LIST RANGE rack battery.charge.low',
    );
    expect(await talk.ask('LIST ENUM rack battery.charge')).toBe(
      'BEGIN LIST ENUM rack battery.charge\nEND LIST ENUM rack battery.charge',
    );
    expect(await talk.ask('LIST RW rack')).toBe(
      'BEGIN LIST RW rack\nRW rack battery.charge.low "10"\nRW rack battery.runtime.low "60"\nRW rack ups.id "closet"\nEND LIST RW rack',
    );
    expect(await talk.ask('LIST CMD rack')).toContain('CMD rack shutdown.stop');
  });

  it('answers every malformed line with one error', async () => {
    const talk = await (await server()).talk();
    expect(
      await talk.asks(
        '',
        'FOO',
        'get',
        'GET VAR',
        'GET VAR rack',
        'GET NONSENSE rack x',
        'LIST',
        'LIST CLIENTS rack',
        'LIST VAR',
        'LIST VAR nosuch',
        'LIST ENUM rack',
        'LIST ENUM rack no.such',
        'GET VAR rack "a b"',
        'GET VAR rack "unclosed',
        'SET',
        'LOGOUT now',
        'STARTTLS',
        `GET VAR rack ${'x'.repeat(300)}`,
        `GET DESC rack ${'x'.repeat(300)}`,
      ),
    ).toEqual([
      'ERR UNKNOWN-COMMAND',
      'ERR UNKNOWN-COMMAND',
      'ERR INVALID-ARGUMENT',
      'ERR INVALID-ARGUMENT',
      'ERR INVALID-ARGUMENT',
      'ERR INVALID-ARGUMENT',
      'ERR INVALID-ARGUMENT',
      'ERR INVALID-ARGUMENT',
      'ERR INVALID-ARGUMENT',
      'ERR UNKNOWN-UPS',
      'ERR INVALID-ARGUMENT',
      'ERR VAR-NOT-SUPPORTED',
      'ERR VAR-NOT-SUPPORTED',
      'ERR INVALID-ARGUMENT',
      'ERR USERNAME-REQUIRED',
      'ERR INVALID-ARGUMENT',
      'ERR FEATURE-NOT-CONFIGURED',
      'ERR VAR-NOT-SUPPORTED',
      'ERR VAR-NOT-SUPPORTED',
    ]);
  });

  it('takes CR LF, tabs, quoted words and many requests in one piece, and answers in order without CR', async () => {
    const talk = await (await server()).talk();
    talk.send('VER\r\n "get"\t\tVAR  rack "ups.status" # what\nNETVER\nGET VAR ups ups.st');
    expect(await talk.answer()).toMatch(/^Network/);
    expect(await talk.answer()).toBe('VAR rack ups.status "OL DISCHRG"');
    expect(await talk.answer()).toBe('1.3');
    talk.send('atus\n');
    expect(await talk.answer()).toBe('VAR ups ups.status "OL DISCHRG"');
  });

  it('says goodbye and closes', async () => {
    const talk = await (await server()).talk();
    expect(await talk.ask('LOGOUT')).toBe('OK Goodbye');
    await talk.gone();
  });

  it('tells nothing old: a stale bank is DATA-STALE, one never heard DRIVER-NOT-CONNECTED', async () => {
    const { feed, talk: open, clock } = await server({ snapshot: allStale() });
    const talk = await open();
    const requests = [
      'GET VAR ups battery.charge',
      'GET VAR ups ups.status',
      'LIST VAR ups',
      'LIST RW ups',
      'GET TYPE ups x',
      'GET DESC ups x',
      'GET NUMLOGINS ups',
    ];
    expect(new Set(await talk.asks(...requests))).toEqual(new Set(['ERR DATA-STALE']));
    expect(await talk.ask('LIST UPS')).toContain('UPS rack');
    feed.publish(withRack({ bank: { complete: false, freshness: 'absent' } }));
    expect(new Set(await talk.asks(...requests))).toEqual(new Set(['ERR DRIVER-NOT-CONNECTED']));
    feed.publish(snapshotFixture);
    expect(await talk.ask('GET VAR ups ups.status')).toBe('VAR ups ups.status "OL DISCHRG"');
    clock.nowMs += 15_001;
    expect(new Set(await talk.asks(...requests))).toEqual(new Set(['ERR DATA-STALE']));
  });

  it('can be closed to strangers', async () => {
    const { talk: open, as } = await server({ config: { allowRead: 'users' } });
    const talk = await open();
    expect(await talk.asks('LIST UPS', 'GET VAR ups ups.status')).toEqual([
      'ERR USERNAME-REQUIRED',
      'ERR USERNAME-REQUIRED',
    ]);
    expect(await (await as('nothing')).ask('GET VAR ups ups.status')).toBe('VAR ups ups.status "OL DISCHRG"');
  });
});

describe('names and rights', () => {
  it('never says whether a name or a password is right, and finds out at the first deed', async () => {
    const { talk: open } = await server();
    const talk = await open();
    expect(
      await talk.asks('LOGIN ups', 'USERNAME sec', 'USERNAME sec', 'LOGIN ups', 'PASSWORD wrong', 'PASSWORD secpw'),
    ).toEqual([
      'ERR USERNAME-REQUIRED',
      'OK',
      'ERR ALREADY-SET-USERNAME',
      'ERR PASSWORD-REQUIRED',
      'OK',
      'ERR ALREADY-SET-PASSWORD',
    ]);
    expect(await talk.asks('LOGIN ups', 'SET TRACKING ON')).toEqual(['ERR ACCESS-DENIED', 'ERR ACCESS-DENIED']);
    const stranger = await open();
    expect(await stranger.asks('USERNAME nobody', 'PASSWORD x', 'INSTCMD ups shutdown.stop')).toEqual([
      'OK',
      'OK',
      'ERR ACCESS-DENIED',
    ]);
  });

  it('gives each role what it may and no more', async () => {
    const { as, commands } = await server();
    expect(
      await (await as('sec')).asks(
        'LOGIN nosuch',
        'LOGIN ups x',
        'LOGIN ups',
        'LOGIN ups',
        'PRIMARY ups',
        'MASTER ups',
        'FSD ups',
        'SET VAR ups ups.id x',
        'INSTCMD ups shutdown.stop',
      ),
    ).toEqual([
      'ERR UNKNOWN-UPS',
      'ERR INVALID-ARGUMENT',
      'OK',
      'ERR ALREADY-LOGGED-IN',
      'ERR ACCESS-DENIED',
      'ERR ACCESS-DENIED',
      'ERR ACCESS-DENIED',
      'ERR ACCESS-DENIED',
      'ERR ACCESS-DENIED',
    ]);
    expect(await (await as('boss')).asks('LOGIN ups', 'PRIMARY ups', 'MASTER ups', 'SET VAR ups ups.id x')).toEqual([
      'OK',
      'OK PRIMARY-GRANTED',
      'OK MASTER-GRANTED',
      'ERR ACCESS-DENIED',
    ]);
    expect(
      await (await as('nothing')).asks(
        'LOGIN ups',
        'FSD ups',
        'INSTCMD ups load.off',
        'INSTCMD ups shutdown.return',
        'INSTCMD ups',
      ),
    ).toEqual([
      'ERR ACCESS-DENIED',
      'ERR ACCESS-DENIED',
      'ERR CMD-NOT-SUPPORTED',
      'ERR ACCESS-DENIED',
      'ERR INVALID-ARGUMENT',
    ]);
    expect(commands).toEqual([]);
  });

  it('counts those who are logged in for as long as their connection lives', async () => {
    const { as, talk: open } = await server();
    const reader = await open();
    const [one, two] = [await as('sec', true), await as('boss', true)];
    expect(await reader.ask('GET NUMLOGINS ups')).toBe('NUMLOGINS ups 2');
    expect(await reader.ask('LIST CLIENT ups')).toBe(
      'BEGIN LIST CLIENT ups\nCLIENT ups 127.0.0.1\nCLIENT ups 127.0.0.1\nEND LIST CLIENT ups',
    );
    one.close();
    expect(await two.ask('LOGOUT')).toBe('OK Goodbye');
    await two.gone();
    await expect.poll(() => reader.ask('GET NUMLOGINS ups')).toBe('NUMLOGINS ups 0');
  });

  it('keeps no secret in its log', async () => {
    const { as, talk: open, log } = await server();
    await as('sec', true);
    await (await open()).asks('USERNAME sec', 'PASSWORD hunter2', 'LOGIN ups');
    expect(log.messages).toContain('NUT client logs in');
    expect(JSON.stringify(log.lines)).not.toMatch(/secpw|hunter2/);
  });
});

describe('writing', () => {
  it('takes what is writable, quoted or not, and refuses the rest with the right word', async () => {
    const { as, feed } = await server();
    const admin = await as('admin');
    expect(
      await admin.asks(
        'SET VAR ups battery.charge.low 25',
        'GET VAR ups battery.charge.low',
        'SET VAR ups ups.id "my rack"',
        'GET VAR ups ups.id',
        'SET VAR ups battery.charge 100',
        'SET VAR ups no.such 1',
        'SET VAR ups battery.charge.low 101',
        'SET VAR ups battery.charge.low many',
        `SET VAR ups ups.id ${'x'.repeat(49)}`,
        'SET VAR ups ups.id "\\"quoted\\""',
        'SET VAR ups',
        'SET NOTHING ups x y',
        'SET VAR other ups.id x',
      ),
    ).toEqual([
      'OK',
      'VAR ups battery.charge.low "25"',
      'OK',
      'VAR ups ups.id "my rack"',
      'ERR READONLY',
      'ERR VAR-NOT-SUPPORTED',
      'ERR INVALID-VALUE',
      'ERR INVALID-VALUE',
      'ERR TOO-LONG',
      'ERR INVALID-VALUE',
      'ERR INVALID-ARGUMENT',
      'ERR INVALID-ARGUMENT',
      'ERR UNKNOWN-UPS',
    ]);
    feed.publish(outage({ socRatio: 0.24 }));
    expect(await admin.ask('GET VAR ups ups.status')).toBe('VAR ups ups.status "OB LB DISCHRG"');
    feed.publish(outage({ socRatio: 0.26 }));
    expect(await admin.ask('GET VAR ups ups.status')).toBe('VAR ups ups.status "OB DISCHRG"');
  });

  it('tracks what became of it', async () => {
    const { as, clock } = await server({ desk: () => Promise.resolve({ accepted: false, because: 'no' }) });
    const admin = await as('admin');
    expect(await admin.asks('SET TRACKING maybe', 'SET TRACKING on', 'GET TRACKING')).toEqual([
      'ERR INVALID-ARGUMENT',
      'OK',
      'ON',
    ]);
    const set = ID.exec(await admin.ask('SET VAR ups ups.id x'))?.[1] ?? '';
    const command = ID.exec(await admin.ask('INSTCMD ups shutdown.stop'))?.[1] ?? '';
    expect(set).not.toBe(command);
    expect(
      await admin.asks(
        `GET TRACKING ${set}`,
        `GET TRACKING ${command}`,
        'GET TRACKING 00000000-0000-4000-8000-000000000000',
      ),
    ).toEqual(['SUCCESS', 'ERR FAILED', 'ERR UNKNOWN']);
    clock.nowMs += 3_600_001;
    expect(await admin.ask(`GET TRACKING ${set}`)).toBe('ERR UNKNOWN');
  });

  it('hands instant commands to the coordinator, with the author, and tells when they are refused', async () => {
    let accepted = true;
    const { as, commands } = await server({ desk: () => Promise.resolve({ accepted, because: 'x' }) });
    const boss = await as('boss');
    expect(
      await boss.asks(
        'INSTCMD ups shutdown.return',
        'INSTCMD ups Shutdown.Stop',
        'INSTCMD ups experimental.shutdown.hold 120',
      ),
    ).toEqual(['OK', 'OK', 'OK']);
    expect(commands).toEqual([
      { command: { kind: 'begin' }, author: 'nut:boss' },
      { command: { kind: 'abort' }, author: 'nut:boss' },
      { command: { kind: 'hold', forS: 120 }, author: 'nut:boss' },
    ]);
    expect(await boss.ask('INSTCMD ups experimental.shutdown.hold soon')).toBe('ERR INVALID-ARGUMENT');
    accepted = false;
    expect(await boss.ask('INSTCMD ups shutdown.default')).toBe('ERR INSTCMD-FAILED');
    expect(await (await as('admin')).ask('INSTCMD ups shutdown.return')).toBe('ERR ACCESS-DENIED');
  });

  it('answers in order while the coordinator thinks, and gives up on one that does not answer', async () => {
    const { as, clock } = await server({ desk: () => new Promise(() => {}) });
    const boss = await as('boss');
    boss.send('INSTCMD ups shutdown.return\nNETVER\n');
    await expect.poll(() => clock.sleeping).toBe(1);
    expect(boss.pending).toBe('');
    await clock.pass(5_000);
    expect(await boss.answer()).toBe('ERR INSTCMD-FAILED');
    expect(await boss.answer()).toBe('1.3');
  });
});
