import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { peer } from '../../peers.ts';
import { Workshop } from '../telemetry/peers.ts';
import { runs } from './nut-peers.ts';
import { type RunningServer, serve } from './running-server.ts';

const openssl = peer('openssl');
const workshop = new Workshop();
let running: RunningServer | undefined;

function certificate(): { cert: string; key: string } {
  const folder = workshop.folder();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const what = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync(
    openssl.path,
    [
      'req',
      ...what,
      '-keyout',
      key,
      '-out',
      cert,
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
    ],
    { stdio: 'ignore' },
  );
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

async function server(required = false): Promise<RunningServer> {
  const tls = { cert: 'read elsewhere', key: { env: 'X' }, required };
  running = await serve({ config: { tls }, secrets: certificate() });
  return running;
}

afterEach(async () => {
  await running?.stop();
  running = undefined;
  await workshop.clean();
});

describe.skipIf(openssl.skip)(`STARTTLS (${openssl.title})`, () => {
  it('carries on in TLS, and what was said before stays true', async () => {
    const { talk: open } = await server();
    const talk = await open();
    expect(await talk.asks('USERNAME sec', 'PASSWORD secpw', 'STARTTLS')).toEqual(['OK', 'OK', 'OK STARTTLS']);
    await talk.secure();
    expect(await talk.asks('LOGIN ups', 'STARTTLS', 'GET NUMLOGINS ups')).toEqual([
      'OK',
      'ERR ALREADY-SSL-MODE',
      'NUMLOGINS ups 1',
    ]);
    expect(await talk.ask('LIST VAR ups')).toContain('\nVAR ups ups.status "OL DISCHRG"\n');
    expect(await talk.ask('LOGOUT')).toBe('OK Goodbye');
    await talk.gone();
  });

  it('forgets what came in the clear behind it', async () => {
    const { as, commands } = await server();
    const talk = await as('boss');
    talk.send('STARTTLS\nINSTCMD ups shutdown.return\nFSD ups\n');
    expect(await talk.answer()).toBe('OK STARTTLS');
    await talk.secure();
    expect(await talk.ask('GET VAR ups ups.status')).toBe('VAR ups ups.status "OL DISCHRG"');
    expect(commands).toEqual([]);
  });

  it('may be demanded of everybody who says who he is', async () => {
    const { talk: open } = await server(true);
    const talk = await open();
    expect(await talk.asks('USERNAME sec', 'GET VAR ups ups.status', 'STARTTLS')).toEqual([
      'ERR ACCESS-DENIED',
      'VAR ups ups.status "OL DISCHRG"',
      'OK STARTTLS',
    ]);
    await talk.secure();
    expect(await talk.asks('USERNAME sec', 'PASSWORD secpw', 'LOGIN ups')).toEqual(['OK', 'OK', 'OK']);
  });

  it('survives a client that shakes no hand', async () => {
    const { talk: open } = await server();
    const [rude, gone] = [await open(), await open()];
    expect(await rude.ask('STARTTLS')).toBe('OK STARTTLS');
    rude.send('GET VAR ups ups.status\n'.repeat(20));
    await rude.gone();
    expect(await gone.ask('STARTTLS')).toBe('OK STARTTLS');
    gone.socket.resetAndDestroy();
    expect(await (await open()).ask('NETVER')).toBe('1.3');
  });

  it.skipIf(peer('upsc').skip)(`is what ${peer('upsc').title} does of itself`, async () => {
    const { port } = await server();
    const { out } = await runs('upsc', [`ups@localhost:${port}`]);
    expect(out).toMatch(/^ups\.status: OL DISCHRG$/m);
  });
});
