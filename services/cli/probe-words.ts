import { type Driver, driverFor, type Finding, type ProbeReport, type Sample } from '#bms';

/** What a probe found, in words and as lines of a configuration. */

export type ProbedKind = 'serial' | 'bridge' | 'modbus-tcp';

/** The way to a device, as `via:` of a configuration. */
export function viaOf(finding: Finding, device: string, kind: ProbedKind, own: readonly Driver[] = []): object {
  const driver = driverFor(finding.driver, own);
  const usual = 'line' in driver ? driver.line.baud : undefined;
  const baud = finding.baud === undefined || finding.baud === usual ? {} : { baud: finding.baud };
  if (kind === 'modbus-tcp') {
    const place = device.replace(/^modbus-tcp:\/\//, '').replace(/\/$/, '');
    return { modbusTcp: /:\d+$/.test(place) ? place : `${place}:502`, unit: finding.unit };
  }
  if (driver.shape === 'registers') return { modbusRtu: device, unit: finding.unit, ...baud };
  return kind === 'bridge' ? { tcp: device.replace(/^tcp:\/\//, '') } : { serial: device, ...baud };
}

/** What a finding says of itself: volts, amperes, cells, who made it. */
export function saidBy(sample: Sample): string {
  const volts = (value: number | undefined, what = ''): string[] =>
    value === undefined ? [] : [`${what}${value.toFixed(2)} V`];
  if (sample.kind === 'meter') return [...volts(sample.voltageV), ...watts(sample.powerW), ...hertz(sample)].join(', ');
  if (sample.kind === 'ups') {
    const mains = sample.mainsPresent === undefined ? [] : [sample.mainsPresent ? 'mains present' : 'no mains'];
    return [...mains, ...volts(sample.inputVoltageV, 'input '), ...volts(sample.batteryVoltageV, 'battery ')].join(
      ', ',
    );
  }
  const { cellsV = [], currentA, socRatio, model, firmware, limits = {} } = sample;
  const { cellMinV, cellMaxV } = limits;
  const set = cellMinV === undefined || cellMaxV === undefined ? [] : [`set to ${cellMinV} to ${cellMaxV} V per cell`];
  const cells =
    cellsV.length === 0
      ? []
      : [`${cellsV.length} cells ${Math.min(...cellsV).toFixed(3)} to ${Math.max(...cellsV).toFixed(3)} V`];
  return [
    ...volts(sample.voltageV),
    ...(currentA === undefined ? [] : [`${currentA.toFixed(1)} A`]),
    ...(socRatio === undefined ? [] : [`${Math.round(socRatio * 100)} %`]),
    ...cells,
    ...set,
    ...(model === undefined ? [] : [`model ${model}`]),
    ...(firmware === undefined ? [] : [`firmware ${firmware}`]),
  ].join(', ');
}

const watts = (powerW: number | undefined): string[] => (powerW === undefined ? [] : [`${powerW.toFixed(0)} W`]);
const hertz = ({ frequencyHz }: { frequencyHz?: number }): string[] =>
  frequencyHz === undefined ? [] : [`${frequencyHz.toFixed(1)} Hz`];

const HOW_SURE = {
  sure: 'sure: nobody else answers so',
  likely: 'likely: it fits, and others might too',
  perhaps: 'perhaps: its registers are there, and nothing proves whose they are',
} as const;

/** A finding on the terminal. */
export function findingLines(finding: Finding, via: object): string[] {
  const { driver, title, certainty, address, fitsToo, sample } = finding;
  const number = address === undefined ? [] : [`address: ${address}`];
  const way = Object.entries(via).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? JSON.stringify(value) : value}`,
  );
  return [
    `${driver}  ${title}`,
    `  ${HOW_SURE[certainty]}`,
    ...(fitsToo.length === 0 ? [] : [`  fits as well: ${fitsToo.join(', ')}`]),
    `  says: ${saidBy(sample) || 'nothing that we know'}`,
    `  driver: ${driver}, via: { ${way.join(', ')} }${number.map((text) => `, ${text}`).join('')}`,
  ];
}

/** What to try when nobody could be made out. */
export function hintsFor(report: ProbeReport, kind: ProbedKind): string[] {
  if (report.found.length > 0) return [];
  if (!report.complete) return ['its time was over: --seconds 300, or name what you think it is with --driver'];
  if (report.strangers.length > 0)
    return [
      'somebody speaks Modbus there and fits no profile: name one with --driver, or write one (CONTRIBUTING.md tells how)',
    ];
  const left = Object.entries(report.leftOut).map(([id, why]) => `${id} was not asked: ${why}`);
  if (kind === 'modbus-tcp')
    return ['is Modbus TCP switched on in the device, and the unit right? --unit 5, or --scan for 1 to 16'];
  return [
    ...heardHints(report),
    'a board with another number than it is sold with: --scan asks numbers 1 to 16',
    ...(kind === 'bridge' ? ['the rate is set at the bridge: try 9600, 115200, 19200, 2400 there'] : []),
    ...left,
  ];
}

/** What the bytes that came say of the wiring. */
function heardHints({ heardBytes, sentBytes }: ProbeReport): string[] {
  const wake = 'wake the board: press its button, put a load or a charger on it; many sleep when no current flows';
  if (heardBytes === 0)
    return [
      'not one byte came: are A and B (or RX and TX) swapped, is ground connected, is it the RS485 and not the RS232 socket?',
      wake,
    ];
  if (heardBytes === sentBytes)
    return ['nothing but the echo of our own requests came: the adapter works; are A and B swapped?', wake];
  return [
    `${heardBytes} bytes came that nobody understands: the rate of the device may have been changed, or two ask on one line`,
  ];
}
