import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Adds what npm leaves out of package-lock.json: optional packages for other platforms that the registry in use does not
 * carry. Without their entries `npm ci` calls the file out of sync; with them it sees that they are for another platform
 * and passes over them. Run it after every `npm install` that changes the lockfile.
 */

interface Entry {
  version?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const PATH = 'package-lock.json';
const OS = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'aix', 'win32'];
const CPU = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32'];

const lock = JSON.parse(readFileSync(PATH, 'utf8')) as { packages: Record<string, Entry> };
let added = 0;

for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (parent === '' || resolves(parent, name)) continue;
    const platform = platformOf(name);
    if (platform === undefined || !/^\d/.test(version))
      throw new Error(`${parent} wants ${name}@${version}: no platform in its name`);
    lock.packages[`node_modules/${name}`] = { version, ...platform, ...(dev ? { dev } : {}), optional: true };
    added += 1;
  }
}

lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(PATH, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} packages of other platforms added`);

/** As Node looks it up: in the parent's own node_modules, then in those around it. */
function resolves(parent: string, name: string): boolean {
  for (let place = parent; ; place = place.slice(0, place.lastIndexOf('/node_modules/'))) {
    if (`${place}/node_modules/${name}` in lock.packages) return true;
    if (!place.includes('/node_modules/')) return `node_modules/${name}` in lock.packages;
  }
}

/** `…-linux-arm64-musl` → os, cpu and libc. */
function platformOf(name: string): Pick<Entry, 'os' | 'cpu' | 'libc'> | undefined {
  const words = name.split(/[-/]/);
  const os =
    OS.find((each) => words.includes(each)) ?? (words.some((word) => word.startsWith('wasm')) ? 'wasi' : undefined);
  const cpu = CPU.find((each) => words.includes(each));
  if (os === undefined) return undefined;
  const libc = words.some((word) => word.startsWith('musl'))
    ? 'musl'
    : words.some((word) => word.startsWith('gnu'))
      ? 'glibc'
      : undefined;
  return { os: [os], ...(cpu === undefined ? {} : { cpu: [cpu] }), ...(libc === undefined ? {} : { libc: [libc] }) };
}
