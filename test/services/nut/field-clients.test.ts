import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type RunningServer, serve } from './running-server.ts';

/** Clients found in the field, each with what it is particular about (protocols/nut.md §4). */

let running: RunningServer | undefined;

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

/** Sends a request and hands back the first piece that arrives: clients that read once must find all of it there. */
async function pieces(): Promise<{ ask(request: string): Promise<Buffer>; close(): void }> {
  running ??= await serve();
  const socket = connect({ host: '127.0.0.1', port: running.port, noDelay: true });
  await once(socket, 'connect');
  return {
    ask: async (request) => {
      socket.write(`${request}\n`);
      const [piece] = (await once(socket, 'data')) as [Buffer];
      return piece;
    },
    close: () => socket.destroy(),
  };
}

describe('PeaNUT', () => {
  it('compares answers with exact bytes, stops reading at the words of END, and sends values without quotes', async () => {
    const own = await pieces();
    expect(await own.ask('USERNAME boss')).toEqual(Buffer.from('OK\n'));
    expect(await own.ask('PASSWORD boss=pw!')).toEqual(Buffer.from('OK\n'));
    const list = (await own.ask('LIST UPS')).toString();
    expect(list.endsWith('END LIST UPS\n')).toBe(true);
    expect(await own.ask('LOGIN rack')).toEqual(Buffer.from('OK\n'));
    const pooled = await pieces();
    const block = (await pooled.ask('LIST VAR rack')).toString();
    expect(block.startsWith('BEGIN LIST VAR rack\n')).toBe(true);
    expect(block.endsWith('END LIST VAR rack\n')).toBe(true);
    for (const name of [...block.matchAll(/^VAR rack (\S+)/gm)].map(([, name]) => name ?? '')) {
      // It cuts a description at the first quote and takes the type word by word.
      expect((await pooled.ask(`GET DESC rack ${name}`)).toString()).toMatch(
        new RegExp(`^DESC rack ${name} "[^"\\\\]+"\n$`),
      );
      expect((await pooled.ask(`GET TYPE rack ${name}`)).toString()).toMatch(
        new RegExp(`^TYPE rack ${name} (RW )?(RANGE )?(NUMBER|STRING:\\d+)\n$`),
      );
    }
    for (const what of ['RW', 'CMD', 'CLIENT'])
      expect((await pooled.ask(`LIST ${what} rack`)).toString()).toContain(`END LIST ${what} rack\n`);
    const admin = await pieces();
    await admin.ask('USERNAME admin');
    await admin.ask('PASSWORD adminpw');
    expect(await admin.ask('SET VAR rack battery.charge.low 22')).toEqual(Buffer.from('OK\n'));
    for (const each of [own, pooled, admin]) each.close();
  });
});

describe('Home Assistant', () => {
  it('reads strict ASCII over one connection, without LOGIN, and makes its identity of maker, model and serial', async () => {
    const { ask, close } = await pieces();
    const strict = new TextDecoder('ascii', { fatal: true });
    const read = async (request: string): Promise<string[]> => {
      const bytes = await ask(request);
      expect([...bytes].every((byte) => byte < 128)).toBe(true);
      return strict.decode(bytes).split('\n');
    };
    expect((await read('LIST UPS'))[1]).toMatch(/^UPS (\S+) "(.*)"$/);
    const status = Object.fromEntries(
      (await read('LIST VAR rack')).flatMap((line) => {
        const [, name, value] = /^VAR rack (\S+) "(.*)"$/.exec(line) ?? [];
        return name === undefined ? [] : [[name, value ?? '']];
      }),
    );
    expect(status['ups.status']?.split(' ')).toContain('OL');
    for (const key of ['device.mfr', 'device.model', 'device.serial']) expect(status[key]).toMatch(/\S/);
    expect(status['device.serial']).not.toMatch(/^(0*|unknown)$/);
    expect((await read('LIST CMD rack')).slice(1, -2)).toContain('CMD rack shutdown.stop');
    expect((await read('GET NUMLOGINS rack'))[0]).toBe('NUMLOGINS rack 0');
    close();
  });
});

describe('the exporters', () => {
  it('nut_exporter asks for everything of everything, within 2 s each', async () => {
    const { ask, close } = await pieces();
    const line = async (request: string): Promise<string> => (await ask(request)).toString();
    expect(await line('VER')).toMatch(/\n$/);
    expect(await line('NETVER')).toBe('1.3\n');
    expect(await line('LIST CLIENT rack')).toBe('BEGIN LIST CLIENT rack\nEND LIST CLIENT rack\n');
    const commands = (await line('LIST CMD rack')).split('\n').slice(1, -2);
    for (const command of commands)
      expect(await line(`GET CMDDESC rack ${command.split(' ')[2]}`)).toMatch(/^CMDDESC rack \S+ "[^"]+"\n$/);
    expect(await line('GET UPSDESC rack')).toBe('UPSDESC rack "holdover battery bank"\n');
    const variables = (await line('LIST VAR rack')).split('\n').slice(1, -2);
    expect(variables.length).toBeGreaterThan(30);
    for (const variable of variables) {
      const [, , name = '', value = ''] = /^(VAR) (\S+) (\S+) "(.*)"$/.exec(variable) ?? [];
      const type = await line(`GET TYPE rack ${name}`);
      // It makes a number of what is called one.
      if (type.includes('NUMBER')) expect(Number.isFinite(Number(value)), variable).toBe(true);
    }
    close();
  });

  it('prometheus-nut-exporter wants the version in VER and no quote in any value', async () => {
    const { ask, close } = await pieces();
    expect((await ask('VER')).toString()).toMatch(/upsd (?:[\d.]+) -/);
    const ups = [...(await ask('LIST UPS')).toString().matchAll(/^UPS (\S+) "([^"]*)"$/gm)].map(([, name]) => name);
    expect(ups).toEqual(['rack']);
    const lines = (await ask(`LIST VAR ${ups[0]}`)).toString().split('\n').slice(1, -2);
    for (const each of lines) expect(each).toMatch(/^VAR [^ ]+ [^ ]+ "[^"]*"$/);
    close();
  });
});

describe('appliances', () => {
  it('with the old words: a Synology logs in to `ups` and asks as MASTER', async () => {
    const { ask, close } = await pieces();
    await ask('USERNAME boss');
    await ask('PASSWORD boss=pw!');
    expect((await ask('LOGIN ups')).toString()).toBe('OK\n');
    expect((await ask('MASTER ups')).toString()).toBe('OK MASTER-GRANTED\n');
    expect((await ask('GET VAR ups ups.status')).toString()).toBe('VAR ups ups.status "OL DISCHRG"\n');
    close();
  });
});
