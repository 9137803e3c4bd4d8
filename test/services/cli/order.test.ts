import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../../services/cli/program.ts';
import { captured } from './captured.ts';

let server: Server | undefined;
let url = '';
const seen: { authorization: string | undefined; body: unknown }[] = [];

/** A service that answers every order with this. */
async function serve(status: number, answer: object): Promise<void> {
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      seen.push({ authorization: request.headers.authorization, body: JSON.parse(text) });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(() => vi.stubEnv('HOLDOVER_TOKEN', 'secret'));
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  seen.length = 0;
  vi.unstubAllEnvs();
});

const order = (...args: string[]) => captured(() => main(['node', 'holdover', 'order', ...args, '--url', url]));

describe('an order', () => {
  it.each([
    [['hold', '10m'], { kind: 'hold', forS: 600 }],
    [['abort'], { kind: 'abort' }],
    [['begin', '--yes'], { kind: 'begin' }],
    [['skip', 'pi7'], { kind: 'skip', host: 'pi7' }],
    [['unskip', 'pi7'], { kind: 'unskip', host: 'pi7' }],
    [['take-over', 'pi7', '--as', 'off'], { kind: 'take-over', host: 'pi7', as: 'off' }],
    [['power-cycle', 'pi7', '--yes'], { kind: 'power-cycle', host: 'pi7', force: false }],
    [['power-cycle', 'pi7', '--force', '--yes'], { kind: 'power-cycle', host: 'pi7', force: true }],
    [['lease', 'take', '--yes'], { kind: 'lease', do: 'take', force: false }],
    [['lease', 'take', '--force', '--yes'], { kind: 'lease', do: 'take', force: true }],
    [['lease', 'give', '--yes'], { kind: 'lease', do: 'give', force: false }],
    [
      ['board', 'lfp1', 'balancing', 'on'],
      { kind: 'switch-board', pack: 'lfp1', what: 'balancing', on: true, force: false },
    ],
    [
      ['board', 'lfp1', 'discharge', 'off', '--force', '--yes'],
      { kind: 'switch-board', pack: 'lfp1', what: 'discharge', on: false, force: true },
    ],
    [['rehearse', 'batch', '--yes'], { kind: 'rehearse', stage: 'batch', depth: 'drain' }],
    [['rehearse', 'batch', '--whole', '--yes'], { kind: 'rehearse', stage: 'batch', depth: 'whole' }],
  ])('%j is sent with the token', async (args, body) => {
    await serve(200, { accepted: true, because: 'it is so' });
    expect(await order(...args)).toMatchObject({ value: 0, out: 'it is so\n', err: '' });
    expect(seen).toEqual([{ authorization: 'Bearer secret', body }]);
  });

  it('that is refused says why, and fails', async () => {
    await serve(409, { detail: 'nothing to abort in phase mains' });
    const { value, err } = await order('abort');
    expect(value).toBe(1);
    expect(err).toContain('refused: nothing to abort in phase mains');
    const json = await order('abort', '--json');
    expect(JSON.parse(json.out)).toEqual({ accepted: false, because: 'nothing to abort in phase mains' });
  });

  it('that takes something down is not sent when nobody can be asked', async () => {
    await serve(200, {});
    const { value, err } = await order('begin');
    expect(value).toBe(2);
    expect(err).toMatch(/Nobody is there to answer[\s\S]*--yes/);
    expect(seen).toEqual([]);
    const off = await order('board', 'lfp1', 'discharge', 'off');
    expect(off.err).toMatch(/Take the power from everything that lives from pack lfp1\?[\s\S]*--yes/);
    expect(seen).toEqual([]);
  });

  it('needs its token, and never shows it', async () => {
    await serve(403, { detail: 'no' });
    const refused = await order('abort');
    expect(refused.value).toBe(2);
    expect(refused.err).toContain('may write');
    expect(refused.err).not.toContain('secret');
    vi.unstubAllEnvs();
    const without = await order('abort');
    expect(without.value).toBe(2);
    expect(without.err).toContain('HOLDOVER_TOKEN is not set');
  });

  it.each([
    ['hold', '2h'],
    ['hold', 'soon'],
    ['take-over', 'pi7'],
    ['take-over', 'pi7', '--as', 'fine'],
    ['skip'],
    ['dance'],
  ])('that makes no sense is a mistake: %s %s %s %s', async (...args) => {
    await serve(200, {});
    const { value, err } = await order(...args.filter((each): each is string => each !== undefined));
    expect(value).toBe(2);
    expect(err).not.toBe('');
    expect(seen).toEqual([]);
  });
});
