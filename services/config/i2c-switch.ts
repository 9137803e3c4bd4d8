import { z } from 'zod';
import { byPort } from './by-port.ts';
import { i2cAddress, i2cPath } from './i2c.ts';
import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';
import { seconds } from './values.ts';

/** The part of the configuration about PSE controllers on I2C. */

/** Ports of each kind of chip. */
export const CHANNELS = { tps23861: 4, ltc4266: 4, pd69104: 4, pd690xx: 12 } as const;

/** What an `i2c` switch has besides what all switches have. */
export const i2cSwitch = {
  driver: z.literal('i2c'),
  i2c: i2cPath,
  chip: z.enum(['tps23861', 'ltc4266', 'pd69104', 'pd690xx']),
  addresses: z
    .array(i2cAddress)
    .min(1)
    .max(16)
    .meta({ description: 'addresses of the chips; channels are numbered through them in this order, from 1' }),
  mux: z
    .strictObject({ address: z.int().min(0x70).max(0x77).default(0x70), channel: z.int().min(0).max(7) })
    .optional()
    .meta({ description: 'multiplexer (TCA9548A) the chips hang behind' }),
  ports: byPort(z.array(z.int().min(1)).min(1).max(2), 'a port such as 7')
    .optional()
    .meta({
      description: 'channels of each port, two where all four pairs are fed; without it every channel is a port',
    }),
  switching: z.boolean().default(false).meta({
    description:
      'let ports be switched; a wrong address or map cuts the power of others, so look at the readings first',
  }),
  settle: seconds(5),
};
const shape = z.strictObject(i2cSwitch);
export type I2cSwitchConfig = z.infer<typeof shape>;

/** Maps that lead nowhere, and hosts on ports that cannot be cut. */
export function i2cSwitchProblems({ switches, hosts }: Config): Problem[] {
  return switches.flatMap((each, index) => {
    if (each.driver !== 'i2c') return [];
    const problems: Problem[] = [];
    const { chip, addresses, ports, switching, id } = each;
    const report = (severity: Problem['severity'], key: string, message: string, tryThis?: string): void => {
      const path = `switches[${index}].${key}`;
      problems.push({ severity, path, message, ...(tryThis === undefined ? {} : { tryThis }) });
    };
    if (new Set(addresses).size < addresses.length) report('error', 'addresses', 'one address is there twice');
    for (const [port, message] of mapFaults(ports ?? {}, addresses.length * CHANNELS[chip], id))
      report('error', `ports.${port}`, message);
    const fed = hosts.filter(({ poe }) => poe?.startsWith(`${id}/`));
    if (!switching && fed.length > 0)
      report(
        'warning',
        'switching',
        `the ports of ${fed.map((host) => host.id).join(', ')} are not cut`,
        'switching: true',
      );
    return problems;
  });
}

/** Channels that do not exist, and those that feed two ports. */
function mapFaults(ports: Readonly<Record<string, readonly number[]>>, most: number, id: string): [string, string][] {
  const faults: [string, string][] = [];
  const taken = new Map<number, string>();
  for (const [port, channels] of Object.entries(ports))
    for (const channel of channels) {
      const other = taken.get(channel);
      if (channel > most) faults.push([port, `channel ${channel} is beyond the ${most} of ${id}`]);
      if (other !== undefined) faults.push([port, `channel ${channel} feeds port ${other} already`]);
      taken.set(channel, port);
    }
  return faults;
}
