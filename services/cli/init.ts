import { existsSync, writeFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { isI2cPath, serialPorts } from '#bridge';
import { checkConfig, showProblem } from '../config/load.ts';
import { messageOf, UserError } from '../runtime/errors.ts';
import type { FoundChips } from './init-i2c.ts';
import { type InitFacts, initText } from './init-text.ts';
import { kindOf, probed } from './probe.ts';
import { viaOf } from './probe-words.ts';

export interface InitOptions {
  readonly out: string;
  /** Devices to probe: serial ports, tcp://, modbus-tcp://, I2C buses. The serial ports of this machine when absent. */
  readonly device?: readonly string[];
  readonly snmp?: readonly string[];
  readonly kubeconfig?: string;
  readonly name?: string;
  readonly volts: number;
  readonly amps: number;
  /** Nobody is asked anything; devices are probed only where they were named, or with `probe`. */
  readonly nonInteractive?: boolean;
  /** Probe the serial ports that were found, without asking. */
  readonly probe?: boolean;
  readonly seconds: number;
}

/** What `init` needs of the machine; for tests. */
export interface InitMachine {
  readonly ports: () => readonly string[];
  readonly exists: (path: string) => boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly host: string;
  /** Asks a person; undefined when nobody is there. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
}

/** The command `init`: looks at what is there and writes a first configuration that `holdover check` accepts. */
export async function init(options: InitOptions, machine: InitMachine = thisMachine(options)): Promise<number> {
  if (machine.exists(options.out)) throw taken(options.out);
  const ports = machine.ports();
  const devices: InitFacts['devices'][number][] = [];
  const unknownPorts: string[] = [];
  const buses: FoundChips[] = [];
  for (const device of options.device ?? ports) {
    const consented = options.device !== undefined || (await agreed(device, options, machine));
    if (isI2cPath(device)) {
      buses.push({ path: device, chips: await chipsOn(device, options.seconds) });
      continue;
    }
    const found = consented ? await look(device, options.seconds) : [];
    devices.push(...found);
    if (found.length === 0) unknownPorts.push(device);
  }
  const kubeconfig = options.kubeconfig ?? usualKubeconfig(machine);
  const snmp = options.snmp ?? (await listed(machine, 'PoE switches with SNMP, addresses (none):'));
  const text = initText({
    name: options.name ?? machine.host,
    volts: options.volts,
    breakerAmps: options.amps,
    devices,
    unknownPorts,
    buses: buses.filter(({ chips }) => chips.length > 0),
    snmp,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
  });
  const checked = checkConfig(text);
  if (!checked.ok)
    throw new Error(`what was found makes no valid configuration:\n${checked.problems.map(showProblem).join('\n')}`);
  write(options.out, text);
  console.log(`wrote ${options.out}: look at the lines marked CHECK, then: holdover check ${options.out}`);
  return 0;
}

async function look(device: string, seconds: number): Promise<InitFacts['devices'][number][]> {
  console.error(`asking ${device} …`);
  try {
    const { found } = await probed(device, { seconds });
    for (const { driver, certainty } of found) console.error(`  ${driver} (${certainty})`);
    if (found.length === 0) console.error('  nobody answered; `holdover probe` tells more');
    const kind = kindOf(device);
    return found.map((finding) => ({ finding, via: viaOf(finding, device, kind), from: device }));
  } catch (error) {
    // One port that cannot be opened is no reason to give up the others.
    console.error(`  ${messageOf(error)}`);
    return [];
  }
}

/** The chips of a bus; nobody, and why, where it cannot be asked. */
async function chipsOn(path: string, seconds: number): Promise<FoundChips['chips']> {
  console.error(`asking ${path} …`);
  try {
    const { found, strangers } = await (await import('./probe-i2c.ts')).probedI2c(path, { seconds });
    for (const { chip, certainty } of found) console.error(`  ${chip} (${certainty})`);
    if (strangers.length > 0) console.error(`  ${strangers.length} more answer; \`holdover probe ${path}\` tells more`);
    return found;
  } catch (error) {
    console.error(`  ${messageOf(error)}`);
    return [];
  }
}

async function agreed(port: string, { probe = false }: InitOptions, { ask }: InitMachine): Promise<boolean> {
  if (probe || ask === undefined) return probe;
  return /^(y(es)?)?$/i.test((await ask(`ask who is on ${port}? Only reads are sent [Y/n] `)).trim());
}

async function listed({ ask }: InitMachine, question: string): Promise<readonly string[]> {
  if (ask === undefined) return [];
  return (await ask(`${question} `)).split(/[\s,]+/).filter((word) => /^[A-Za-z0-9.:-]+$/.test(word));
}

/** Where k3s, kubeadm and kubectl keep theirs. */
function usualKubeconfig({ env, home, exists }: InitMachine): string | undefined {
  const named = env.KUBECONFIG === undefined || env.KUBECONFIG === '' ? [] : env.KUBECONFIG.split(':');
  const usual = ['/etc/holdover/kubeconfig', '/etc/rancher/k3s/k3s.yaml', '/etc/kubernetes/admin.conf'];
  return [...named, ...usual, join(home, '.kube', 'config')].find((path) => path !== '' && exists(path));
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw taken(path);
    throw new UserError(`${path} cannot be written: ${messageOf(error)}`, 'name another file with --out');
  }
}

const taken = (path: string): UserError =>
  new UserError(`${path} exists already, and init overwrites nothing`, 'name another file with --out');

function thisMachine({ nonInteractive = false }: InitOptions): InitMachine {
  const somebody = process.stdin.isTTY === true && !nonInteractive;
  return {
    ports: () => serialPorts(),
    exists: existsSync,
    env: process.env,
    home: homedir(),
    host: hostname(),
    ask: somebody ? askTerminal : undefined,
  };
}

async function askTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}
