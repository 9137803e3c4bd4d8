import { z } from 'zod';
import { duration, hostPort, seconds } from './values.ts';

/**
 * The part of the configuration about PoE switches that are reached by Modbus/TCP, with a map of registers that the user
 * writes: no maker has published one with watts or power per port. Addresses are those of the PDU, from 0: 30001 of a
 * manual is 0 with function 4, 40001 is 0 with function 3.
 */

const address = z.int().min(0).max(0xffff);

const quantity = {
  fc: z.union([z.literal(3), z.literal(4)]).default(4),
  base: address.meta({ description: 'of port 1, counted from 0' }),
  type: z.enum(['u16', 's16', 'u32be', 'u32le', 'f32be', 'f32le']).default('u16').meta({
    description: 'u32le and f32le have their low word first',
  }),
  scale: z.number().default(1),
  offset: z.number().default(0),
  invalid: z.number().optional().meta({ description: 'raw value that means: not there' }),
};
const whole = z.strictObject(quantity);
const perPort = z.strictObject({ ...quantity, stride: z.int().min(1).max(1000).default(1) });
export type MapQuantity = z.infer<typeof perPort>;

const state = z.strictObject({
  fc: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]).default(3),
  base: address,
  stride: z.int().min(1).max(1000).default(1),
  on: z.int().default(1),
  off: z.int().default(0),
});
export type MapState = z.infer<typeof state>;

const command = z.strictObject({
  fc: z.union([z.literal(5), z.literal(6), z.literal(15), z.literal(16)]).default(6),
  base: address,
  stride: z.int().min(1).max(1000).default(1),
  on: z.int().min(0).max(0xffff).default(1),
  off: z.int().min(0).max(0xffff).default(0),
});

/** What a `modbus` switch has besides what all switches have. */
export const modbusSwitch = {
  driver: z.literal('modbus'),
  host: hostPort.meta({ description: 'address:port, usually 502' }),
  unit: z.int().min(0).max(255).default(1),
  ports: z.int().min(1).max(128).meta({ description: 'number of ports, named 1 to this' }),
  map: z
    .strictObject({
      enabled: state.optional().meta({ description: 'switched on or off, as it stands' }),
      delivering: state.optional().meta({ description: 'power is on the cable' }),
      powerW: perPort.optional(),
      voltageV: perPort.optional(),
      currentA: perPort.optional(),
      totalW: whole.optional(),
      budgetW: whole.optional(),
      set: command.optional().meta({ description: 'switches a port; enabled: says where that is read back' }),
    })
    .refine((map) => map.set === undefined || map.enabled !== undefined, {
      path: ['set'],
      message: 'a port can only be switched where enabled: says how it stands',
    }),
  requestTimeout: duration.prefault(2),
  settle: seconds(10),
};
const shape = z.strictObject(modbusSwitch);
export type ModbusSwitchConfig = z.infer<typeof shape>;
