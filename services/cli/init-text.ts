import { type Finding, modelAlarms, type PackDescription, type PackSample, packOf } from '#bms';
import { chipPackLines, type FoundChips } from './init-i2c.ts';

/** What `init` knows, and makes a first configuration of. */
export interface InitFacts {
  readonly name: string;
  readonly volts: number;
  readonly breakerAmps: number;
  /** Devices that answered, each with its `via`. */
  readonly devices: readonly { readonly finding: Finding; readonly via: object; readonly from: string }[];
  /** Serial ports that were not asked, or that nobody answered on. */
  readonly unknownPorts: readonly string[];
  /** Buses on which chips answered. */
  readonly buses?: readonly FoundChips[];
  /** PoE switches by address. */
  readonly snmp: readonly string[];
  readonly kubeconfig?: string;
}

/** A rough line between the two chemistries, V per cell. */
const LFP_FROM_V = 2.85;

/** The text of a first configuration, with what has to be looked at marked CHECK. */
export function initText(facts: InitFacts): string {
  const packs = facts.devices.filter(({ finding }) => finding.sample.kind === 'pack');
  const meters = facts.devices.filter(({ finding }) => finding.sample.kind === 'meter');
  const upses = facts.devices.filter(({ finding }) => finding.sample.kind === 'ups');
  const chips = (facts.buses ?? []).map((bus, at) => chipPackLines(bus, `pack${packs.length + at + 1}`));
  return [
    '# A first configuration, proposed by `holdover init`. What is marked CHECK was guessed or is not known.',
    '# Check it with: holdover check THIS-FILE      All there is: docs/generated/holdover.schema.json',
    '',
    'site:',
    `  name: ${quoted(facts.name)}`,
    `  circuit: { volts: ${facts.volts}, breakerAmps: ${facts.breakerAmps} } # CHECK: the breaker of the rack's branch circuit`,
    '',
    ...section('packs', [
      ...packs.map((device, at) => packLines(device, `pack${at + 1}`)),
      ...chips.filter(({ active }) => active).map(({ lines }) => lines),
    ]),
    ...chips.filter(({ active }) => !active).flatMap(({ lines }) => lines),
    ...(packs.length === 0 && !chips.some(({ active }) => active) ? noPack(facts.unknownPorts) : []),
    ...section(
      'meters',
      meters.map((device, at) => deviceLines(device, `meter${at + 1}`)),
    ),
    ...section(
      'ups',
      upses.map((device, at) => deviceLines(device, `ups${at + 1}`)),
    ),
    ...section('switches', facts.snmp.map(switchLines)),
    ...hostsLines(facts.snmp.length > 0),
    ...(facts.kubeconfig === undefined
      ? ['# cluster: { kubeconfig: /etc/holdover/kubeconfig }', '']
      : [
          'cluster:',
          `  kubeconfig: ${quoted(facts.kubeconfig)} # better one of its own, with the rights of deploy/`,
          '',
        ]),
    'http:',
    '  listen: 127.0.0.1:8470',
    '  # orders from the page and the command line need a token:',
    '  # tokens: [ { name: me, token: { file: /etc/holdover/token }, write: true } ]',
    '',
  ].join('\n');
}

type Device = InitFacts['devices'][number];

const section = (name: string, entries: readonly (readonly string[])[]): string[] =>
  entries.length === 0 ? [] : [`${name}:`, ...entries.flat(), ''];

function packLines({ finding, via, from }: Device, id: string): string[] {
  const sample = finding.sample as PackSample;
  const { cellsV = [], voltageV = 0, ratedAh, fullAh } = sample;
  const cells = cellsV.length > 0 ? cellsV.length : Math.max(1, Math.round(voltageV / 3.3));
  const chemistry = voltageV / cells >= LFP_FROM_V ? 'lifepo4' : 'lto';
  const capacityAh = ratedAh ?? fullAh;
  const good = capacityAh !== undefined && capacityAh > 0;
  return [
    ...remarks(finding, from),
    `  - id: ${id}`,
    `    driver: ${finding.driver}`,
    `    via: ${flow(via)}`,
    ...(finding.address === undefined ? [] : [`    address: ${finding.address}`]),
    `    chemistry: ${chemistry} # CHECK: by ${(voltageV / cells).toFixed(2)} V per cell`,
    ...misfits(sample, { chemistry, cells, capacityAh: good ? capacityAh : 100 }).map((text) => `    # CHECK: ${text}`),
    `    cells: ${cells}${cellsV.length > 0 ? '' : ' # CHECK: by the voltage alone'}`,
    `    capacityAh: ${good ? Math.round(capacityAh * 10) / 10 : 100} # CHECK: ${good ? 'what the device says' : 'the device does not tell'}`,
  ];
}

/** What the board is set to that does not fit such cells. */
function misfits({ limits }: PackSample, described: PackDescription): string[] {
  if (limits === undefined) return [];
  const alarms = modelAlarms({ kind: 'pack', measuredAtMs: 0, limits }, packOf(described));
  return alarms.map(({ detail }) => detail ?? 'its limits do not fit these cells');
}

const deviceLines = ({ finding, via, from }: Device, id: string): string[] => [
  ...remarks(finding, from),
  `  - id: ${id}`,
  `    driver: ${finding.driver}`,
  `    via: ${flow(via)}`,
];

function remarks({ certainty, fitsToo, title }: Finding, from: string): string[] {
  const doubt = certainty === 'sure' ? '' : ` CHECK: ${certainty}`;
  const others = fitsToo.length === 0 ? '' : `, fits ${fitsToo.join(', ')} as well`;
  // one line, whatever the names hold
  return [`  # ${title}, found on ${from}.${doubt}${others}`.replace(/[\r\n]+/g, ' ')];
}

const switchLines = (host: string, at: number): string[] => [
  `  - id: sw${at + 1}`,
  '    driver: snmp',
  `    host: ${quoted(host)}`,
  `    community: { env: HOLDOVER_SNMP_${at + 1} } # or v3, the only mode that protects writes`,
  '    # protect: [24] # CHECK: uplinks and the port of this machine, which are never cut',
];

const noPack = (ports: readonly string[]): string[] => [
  '# No pack was found. The form of one:',
  '# packs:',
  `#   - { id: pack1, driver: jbd, via: { serial: ${ports[0] ?? '/dev/ttyUSB0'} }, chemistry: lifepo4, cells: 16, capacityAh: 100 }`,
  ...(ports.length > 0 ? [`# Serial ports of this machine: ${ports.join(', ')}; try \`holdover probe\` on them`] : []),
  '',
];

const hostsLines = (hasSwitch: boolean): string[] => [
  '# Machines, and the order they go down in:',
  '# hosts:',
  `#   - { id: pi1, address: 10.0.0.11, ${hasSwitch ? 'poe: sw1/1, ' : ''}halt: { ssh: { user: ops, key: { file: /etc/holdover/id }, hostKey: "SHA256:…" } } }`,
  '# shutdown:',
  '#   stages: [ { name: workers, hosts: [pi1] } ]',
  '',
];

const flow = (value: object): string =>
  `{ ${Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([key, inner]) => `${key}: ${typeof inner === 'string' ? quoted(inner) : inner}`)
    .join(', ')} }`;

/** JSON is YAML. */
const quoted = (text: string): string => JSON.stringify(text);
