import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Foreign programs our tests talk to, and the Debian package that brings each. */
const PACKAGES = {
  mosquitto: 'mosquitto',
  mosquitto_sub: 'mosquitto-clients',
  mosquitto_pub: 'mosquitto-clients',
  mosquitto_passwd: 'mosquitto',
  socat: 'socat',
  snmpd: 'snmpd',
  snmpwalk: 'snmp',
  snmpset: 'snmp',
  promtool: 'prometheus',
  prometheus: 'prometheus',
  'victoria-metrics': 'victoria-metrics',
  influxd: 'influxdb',
  kubectl: 'kubernetes-client',
  chromium: 'chromium',
  mbpoll: 'mbpoll',
  openssl: 'openssl',
  'ssh-keygen': 'openssh-client',
  cc: 'gcc libc6-dev',
  i2cdetect: 'i2c-tools',
  i2cget: 'i2c-tools',
  'i2c-bus': 'build-essential python3, then npm run native',
  pymodbus: 'python3-pymodbus python3-serial-asyncio',
  upsd: 'nut-server',
  'dummy-ups': 'nut-server',
  upsc: 'nut-client',
  upscmd: 'nut-client',
  upsrw: 'nut-client',
  upsmon: 'nut-client',
  unshare: 'util-linux',
} as const;

export type PeerName = keyof typeof PACKAGES;

export interface Peer {
  /** Absolute path of the program; empty when absent. For `pymodbus` and `i2c-bus` the interpreter that can import it. */
  readonly path: string;
  /** True when the peer is not on this machine. */
  readonly skip: boolean;
  /** For test titles: `socat` or `socat (apt-get install socat)`. */
  readonly title: string;
}

/** Looks for a foreign program; tests that need an absent one are skipped and their title says which package brings it. */
export function peer(name: PeerName): Peer {
  const path = name === 'pymodbus' ? pythonWithPymodbus() : name === 'i2c-bus' ? builtPackage(name) : which(name);
  return { path, skip: path === '', title: path === '' ? `${name} (apt-get install ${PACKAGES[name]})` : name };
}

function which(program: string): string {
  // NUT's own programs are in a folder of theirs; what PATH has of some are wrappers that refuse to start them.
  const folders = ['/lib/nut', ...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  for (const folder of folders) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here
    }
  }
  return '';
}

function pythonWithPymodbus(): string {
  const python = '/usr/bin/python3';
  if (!existsSync(python)) return '';
  try {
    execFileSync(python, ['-c', 'import pymodbus, serial_asyncio'], { stdio: 'ignore' });
    return python;
  } catch {
    return '';
  }
}

/** A native package that may not have been compiled, or for another Node. */
function builtPackage(name: string): string {
  try {
    execFileSync(process.execPath, ['-e', `require('${name}')`], { stdio: 'ignore' });
    return process.execPath;
  } catch {
    return '';
  }
}
