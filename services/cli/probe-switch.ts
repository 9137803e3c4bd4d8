import { switchSchema } from '../config/switches.ts';
import { openSwitch } from '../poe/index.ts';
import type { SwitchSample } from '../rack/samples.ts';
import { systemClock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';

/** The usual rate first; some boards have another. */
const RATES = [19_200, 115_200, 9_600] as const;

export interface ProbePseOptions {
  readonly seconds: number;
  readonly json: boolean;
  /** Shows what is being asked; nothing clears the line. */
  readonly told: (what?: string) => void;
}

/**
 * `holdover probe DEVICE --driver poe-serial`: is there a PSE microcontroller on this line? It is asked for what it is in
 * both dialects, which are reads, and for its ports; nobody else is asked so unless by name. 0: it answered, 1: nobody did.
 */
export async function probePse(device: string, { seconds, json, told }: ProbePseOptions): Promise<number> {
  const deadline = AbortSignal.timeout(seconds * 1000);
  let failure = 'its time was over';
  for (const via of placesOf(device)) {
    if (deadline.aborted) break;
    told('baud' in via ? `${via.baud} baud` : 'asking');
    const config = switchSchema.parse({ id: 'sw1', driver: 'poe-serial', via });
    const device = openSwitch(config, {}, systemClock);
    try {
      const sample = await device.read(deadline);
      told();
      if (json) console.log(JSON.stringify({ device: name(via), driver: 'poe-serial', via, sample }));
      else console.log(lines(via, sample).join('\n'));
      return 0;
    } catch (error) {
      failure = messageOf(error);
    } finally {
      await device.close();
    }
  }
  told();
  if (json) console.log(JSON.stringify({ device, driver: 'poe-serial', failure }));
  console.error(`holdover: ${failure}`);
  console.error(
    '  try: is it the second UART of the switch, are RX and TX right, has the daemon realtek-poe let go of it?',
  );
  return 1;
}

type Via = { readonly tcp: string } | { readonly serial: string; readonly baud: number };

const placesOf = (device: string): readonly Via[] =>
  device.startsWith('tcp://')
    ? [{ tcp: device.slice('tcp://'.length).replace(/\/$/, '') }]
    : RATES.map((baud) => ({ serial: device, baud }));

const name = (via: Via): string => ('tcp' in via ? via.tcp : via.serial);

function lines(via: Via, { ports, budgetW, guardW, drawnW }: SwitchSample): string[] {
  const watts = (value: number | undefined): string => (value === undefined ? '–' : `${value.toFixed(1)} W`);
  const way = Object.entries(via).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? JSON.stringify(value) : value}`,
  );
  const fed = ports.filter(({ state }) => state === 'delivering');
  return [
    'poe-serial  a PSE microcontroller',
    `  says: ${ports.length} ports, ${watts(drawnW)} of ${watts(budgetW)}, guard ${watts(guardW)}`,
    ...fed.map(({ port, powerW }) => `  port ${port} delivers ${watts(powerW)}`),
    `  driver: poe-serial, via: { ${way.join(', ')} }`,
    '  its numbers are often not those of the front panel: plug one device in at a time and look',
  ];
}
