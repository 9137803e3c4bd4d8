import { z } from 'zod';
import { byPort } from './by-port.ts';
import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';
import { hostPort, seconds } from './values.ts';

/** The part of the configuration about the microcontroller of a switch that looks after its PoE, on a serial line. */

const via = z.union(
  [
    z.strictObject({ serial: z.string().min(1), baud: z.int().min(300).max(4_000_000).default(19_200) }),
    z.strictObject({ tcp: hostPort }),
  ],
  { error: 'expected { serial: /dev/ttyS1 } or { tcp: "10.0.0.7:4001" }' },
);

/** What a `poe-serial` switch has besides what all switches have. */
export const serialSwitch = {
  driver: z.literal('poe-serial'),
  via: via.meta({ description: 'the line; 19200 baud unless its board says otherwise (9600, 115200)' }),
  ports: byPort(z.int().min(0).max(47), 'a port such as 7 or lan7').optional().meta({
    description:
      'number of each port at the controller, from 0; often not that of the front panel. Without it ports are called 1, 2, … in the order of the controller',
  }),
  switching: z.boolean().default(false).meta({
    description: 'let ports be switched; a wrong map cuts the power of others, so look at the readings first',
  }),
  settle: seconds(20),
};
const shape = z.strictObject(serialSwitch);
export type SerialSwitchConfig = z.infer<typeof shape>;

/** Ports with the same number, lines that somebody else asks, and hosts on ports that are not cut. */
export function serialSwitchProblems({ switches, packs, meters, hosts }: Config): Problem[] {
  const lines = new Map<string, string>();
  for (const device of [...packs, ...meters]) {
    const { via: way } = device;
    const path = 'serial' in way ? way.serial : 'modbusRtu' in way ? way.modbusRtu : undefined;
    if (path !== undefined) lines.set(path, device.id);
  }
  return switches.flatMap((each, index) => {
    if (each.driver !== 'poe-serial') return [];
    const problems: Problem[] = [];
    const report = (severity: Problem['severity'], key: string, message: string, tryThis: string): void => {
      problems.push({ severity, path: `switches[${index}].${key}`, message, tryThis });
    };
    const taken = new Map<number, string>();
    for (const [port, number] of Object.entries(each.ports ?? {})) {
      const other = taken.get(number);
      if (other !== undefined) report('error', `ports.${port}`, `${number} is port ${other} already`, 'another number');
      taken.set(number, port);
    }
    if ('serial' in each.via) {
      const user = lines.get(each.via.serial);
      if (user !== undefined) report('error', 'via.serial', `${user} is asked on this line`, 'a line of its own');
      lines.set(each.via.serial, each.id);
    }
    const fed = hosts.filter(({ poe }) => poe?.startsWith(`${each.id}/`)).map(({ id }) => id);
    if (!each.switching && fed.length > 0)
      report('warning', 'switching', `the ports of ${fed.join(', ')} are not cut`, 'switching: true');
    return problems;
  });
}
