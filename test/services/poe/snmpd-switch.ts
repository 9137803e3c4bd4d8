import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../ports.ts';

/** Communities and keys that snmpd below knows. */
export const SNMPD = {
  readCommunity: 'look-only',
  writeCommunity: 'may-touch',
  v3: { user: 'hold', authKey: 'authenticate-me', privKey: 'encrypt-this' },
} as const;

export interface SnmpdSwitch {
  readonly port: number;
  /** Writes as they arrived: `1.7=2`. */
  writes(): readonly string[];
  stop(): Promise<void>;
}

/** What the script serves: ports `group.port` with admin and detection state, and one supply. */
export interface SnmpdPlan {
  readonly ports: readonly string[];
  /** Say yes to a write and do nothing. */
  readonly ignore?: readonly string[];
  /** Refuse every write. */
  readonly reject?: readonly string[];
}

/** Net-SNMP's agent with a PoE switch of ours behind it (pass_persist). */
export async function snmpdSwitch(snmpd: string, plan: SnmpdPlan): Promise<SnmpdSwitch> {
  const folder = mkdtempSync(join(tmpdir(), 'snmpd-'));
  const file = (name: string) => join(folder, name);
  writeFileSync(file('plan.json'), JSON.stringify(plan));
  writeFileSync(file('writes'), '');
  writeFileSync(file('poe'), `#!${process.execPath}\n${SCRIPT}`);
  chmodSync(file('poe'), 0o755);
  const port = await freePort();
  const { readCommunity, writeCommunity, v3 } = SNMPD;
  writeFileSync(
    file('snmpd.conf'),
    [
      `agentaddress udp:127.0.0.1:${port}`,
      `rocommunity ${readCommunity} 127.0.0.1`,
      `rwcommunity ${writeCommunity} 127.0.0.1`,
      `createUser ${v3.user} SHA ${v3.authKey} AES ${v3.privKey}`,
      `rwuser ${v3.user} authpriv`,
      `pass_persist .1.3.6.1.2.1.105 ${file('poe')}`,
      '',
    ].join('\n'),
  );
  const child = spawn(snmpd, ['-f', '-Lf', file('log'), '-C', '-c', file('snmpd.conf'), '-p', file('pid')], {
    stdio: 'ignore',
    env: { ...process.env, SNMP_PERSISTENT_DIR: folder, MIBS: '' },
  });
  try {
    await listening(child, file('log'));
  } catch (error) {
    await ended(child);
    throw error;
  }
  return {
    port,
    writes: () => readFileSync(file('writes'), 'utf8').split('\n').filter(Boolean),
    stop: async () => {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}

async function listening(child: ChildProcess, log: string): Promise<void> {
  for (let tries = 0; tries < 3000; tries += 1) {
    if (child.exitCode !== null) throw new Error(`snmpd ended: ${readFileSync(log, 'utf8')}`);
    try {
      if (readFileSync(log, 'utf8').includes('NET-SNMP version')) return;
    } catch {
      // no log yet
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('snmpd did not come up');
}

/** Speaks pass_persist: PING, get, getnext, set; three lines for an answer. Empty lines are ignored. */
const SCRIPT = `
const { appendFileSync, readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { createInterface } = require('node:readline');
const here = dirname(process.argv[1]);
const plan = JSON.parse(readFileSync(join(here, 'plan.json'), 'utf8'));
const ENTRY = '.1.3.6.1.2.1.105.1.1.1';
const MAIN = '.1.3.6.1.2.1.105.1.3.1.1';
const cells = new Map();
for (const port of plan.ports) {
  cells.set(ENTRY + '.3.' + port, ['integer', 1]);
  cells.set(ENTRY + '.6.' + port, ['integer', 3]);
  cells.set(ENTRY + '.7.' + port, ['integer', 3]);
  cells.set(ENTRY + '.10.' + port, ['integer', 4]);
  cells.set(ENTRY + '.12.' + port, ['counter', 5]);
}
cells.set(MAIN + '.2.1', ['gauge', 120]);
cells.set(MAIN + '.4.1', ['gauge', 31]);
const arcs = (oid) => oid.split('.').slice(1).map(Number);
const compare = (a, b) => {
  const [x, y] = [arcs(a), arcs(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i] - y[i];
  return x.length - y.length;
};
const order = [...cells.keys()].sort(compare);
const say = (...lines) => process.stdout.write(lines.join('\\n') + '\\n');
const show = (oid) => (oid !== undefined && cells.has(oid) ? say(oid, ...cells.get(oid)) : say('NONE'));
function set(oid, text) {
  if (!oid.startsWith(ENTRY + '.3.') || !cells.has(oid)) return say('not-writable');
  const port = oid.slice((ENTRY + '.3.').length);
  const value = Number(text.split(' ')[1]);
  appendFileSync(join(here, 'writes'), port + '=' + value + '\\n');
  if (value !== 1 && value !== 2) return say('wrong-value');
  if ((plan.reject ?? []).includes(port)) return say('inconsistent-value');
  if (!(plan.ignore ?? []).includes(port)) {
    cells.set(oid, ['integer', value]);
    cells.set(ENTRY + '.6.' + port, ['integer', value === 1 ? 2 : 1]);
  }
  say('DONE');
}
const pending = [];
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === '' && pending.length === 0) return;
  pending.push(line);
  const [word, oid, value] = pending;
  if (word === 'PING') say('PONG');
  else if (word === 'get' && oid !== undefined) show(oid);
  else if (word === 'getnext' && oid !== undefined) show(order.find((each) => compare(each, oid) > 0));
  else if (word === 'set' && value !== undefined) set(oid, value);
  else if (['get', 'getnext', 'set'].includes(word)) return;
  pending.length = 0;
});
`;
