import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Which way imports may point. docs/architecture.md tells the same in words. */

const ROOT = join(import.meta.dirname, '..');
const ROOMS = ['firmware-bridge', 'bms', 'power-planner', 'services', 'dashboards', 'scripts'];
const DOORS: Readonly<Record<string, string>> = {
  '#bridge': 'firmware-bridge/index.ts',
  '#bms': 'bms/index.ts',
  '#bms/model': 'bms/model/index.ts',
  '#planner': 'power-planner/index.ts',
  '#catalogue': 'services/telemetry/catalogue.ts',
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
  /** Named by a door such as `#bms`, not by a path. */
  readonly door: boolean;
}

const files = ROOMS.flatMap((room) => globSync(`${room}/**/*.ts`, { cwd: ROOT }));
const imports = files.flatMap(importsOf);

function importsOf(from: string): Import[] {
  const text = readFileSync(join(ROOT, from), 'utf8');
  const found: Import[] = [];
  const pattern = /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/g;
  for (const match of text.matchAll(pattern)) {
    const name = match[3] ?? match[4] ?? '';
    const door = DOORS[name];
    const to = door ?? (name.startsWith('.') ? relative(ROOT, join(ROOT, dirname(from), name)) : undefined);
    if (name.startsWith('#')) expect(door, `${from} imports ${name}`).toBeDefined();
    if (to !== undefined) found.push({ from, to, typeOnly: match[2] !== undefined, door: door !== undefined });
  }
  return found;
}

/** The room of a file; inside services its folder, which has an order of its own. */
function roomOf(file: string): string {
  const [room = '', folder = ''] = file.split('/');
  if (room === 'bms') return file.startsWith('bms/model/') ? 'bms/model' : 'bms';
  if (room !== 'services') return room;
  return file.split('/').length === 2 ? `services/${folder.replace('.ts', '')}` : `services/${folder}`;
}

const CORE = [
  'services/runtime',
  'services/config',
  'services/rack',
  'services/mains',
  'services/shutdown',
  'services/version',
];
const EDGES = [
  'services/poe',
  'services/cluster',
  'services/hosts',
  'services/charger',
  'services/telemetry',
  'services/nut',
  'services/http',
  'services/notify',
  'services/history',
  'services/lease',
  'services/inputs',
];
const BELOW = ['firmware-bridge', 'bms', 'bms/model', 'power-planner'];

const MAY: Readonly<Record<string, readonly string[]>> = {
  'firmware-bridge': [],
  'bms/model': [],
  bms: ['firmware-bridge', 'bms/model'],
  'power-planner': ['bms/model'],
  'services/version': [],
  ...Object.fromEntries(CORE.filter((room) => room !== 'services/version').map((room) => [room, [...CORE, ...BELOW]])),
  ...Object.fromEntries(EDGES.map((room) => [room, [...CORE, ...BELOW]])),
  'services/assembly': [...CORE, ...EDGES, ...BELOW],
  'services/main': [...CORE, ...EDGES, ...BELOW, 'services/assembly'],
  'services/agent': [...CORE, ...BELOW],
  'services/twin': [...CORE, ...EDGES, ...BELOW],
  'services/cli': [
    ...CORE,
    ...EDGES,
    ...BELOW,
    'services/agent',
    'services/main',
    'services/assembly',
    'services/twin',
  ],
  dashboards: ['services/telemetry'],
};

describe('architecture', () => {
  it('has rooms to look at', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(imports.length).toBeGreaterThan(files.length);
  });

  it('imports only in the allowed directions', () => {
    const forbidden = imports
      .filter(({ from }) => !from.startsWith('scripts/'))
      .filter(({ from, to }) => roomOf(from) !== roomOf(to) && !MAY[roomOf(from)]?.includes(roomOf(to)))
      .map(({ from, to }) => `${from} → ${to}`);
    expect(forbidden).toEqual([]);
  });

  it('enters other rooms through their doors', () => {
    const rooms = ['firmware-bridge', 'bms', 'power-planner'];
    const broken = imports
      .filter(
        ({ from, to, door }) =>
          !door && rooms.includes(to.split('/')[0] ?? '') && from.split('/')[0] !== to.split('/')[0],
      )
      .filter(({ from }) => !from.startsWith('scripts/'))
      .map(({ from, to }) => `${from} → ${to}`);
    expect(broken).toEqual([]);
  });

  it('lets twin devices know nothing of our drivers, which would agree with their own mistakes', () => {
    const broken = imports
      .filter(
        ({ from, to }) =>
          from.startsWith('services/twin/devices/') && /^(bms|services\/(poe|cluster|hosts))\//.test(to),
      )
      .map(({ from, to }) => `${from} → ${to}`);
    expect(broken).toEqual([]);
  });

  it('loads native and heavy packages in the few files that own them', () => {
    const owners: Readonly<Record<string, RegExp>> = {
      serialport: /^(firmware-bridge\/serial\.ts|services\/twin\/devices\/)/,
      'modbus-serial': /^(firmware-bridge\/modbus|services\/twin\/devices\/)/,
      'i2c-bus': /^firmware-bridge\/i2c\.ts/,
      'net-snmp': /^services\/(poe|twin\/devices)\//,
      ssh2: /^services\/(hosts|twin\/devices)\//,
      mqtt: /^services\/(telemetry|inputs|lease)\/|^services\/runtime\/mqtt-connection\.ts/,
      aedes: /^services\/telemetry\//,
      fastify: /^services\/http\//,
      '@grpc/grpc-js': /^services\/twin\/devices\//,
      protobufjs: /^services\/twin\/devices\//,
    };
    const broken: string[] = [];
    for (const file of files) {
      const text = readFileSync(join(ROOT, file), 'utf8');
      for (const [name, allowed] of Object.entries(owners)) {
        if (
          text.includes(`'${name}'`) &&
          /(from |import\()/.test(text) &&
          new RegExp(`(from |import\\()'${name}'`).test(text) &&
          !allowed.test(file)
        )
          broken.push(`${file} imports ${name}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it('takes time from the clock only', () => {
    // Deadlines on real wires are real time; everything that decides is given its time.
    const allowed =
      /^(bms\/stream-device\.ts|firmware-bridge\/|services\/runtime\/(clock|mqtt-connection)\.ts|services\/twin\/|services\/(agent|poe|cluster|hosts|http|lease|telemetry|nut)\/|dashboards\/|scripts\/)/;
    const broken = files.filter(
      (file) =>
        !allowed.test(file) &&
        /\b(Date\.now|performance\.now|setTimeout|setInterval)\b/.test(readFileSync(join(ROOT, file), 'utf8')),
    );
    expect(broken).toEqual([]);
  });

  it('has no ring', () => {
    const next = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports) if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const rings: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) rings.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (path.includes(file) || done.has(file)) return;
      for (const to of next.get(file) ?? []) visit(to, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(rings).toEqual([]);
  });
});
