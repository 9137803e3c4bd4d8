import { z } from 'zod';

/**
 * What Home Assistant documents for a device-based discovery message, as far as we use it: an unknown key is a mistake.
 * From the pages "MQTT", "MQTT Sensor", "MQTT Binary sensor", "MQTT Button" and the developer pages of the three entities.
 */

const id = z.string().regex(/^[A-Za-z0-9_-]+$/);
const topic = z.string().regex(/^[^+#\0]+$/);
const category = z.enum(['diagnostic', 'config']);

const common = {
  unique_id: id,
  name: z.string().min(1),
  entity_category: category.optional(),
  enabled_by_default: z.boolean().optional(),
};

/** The units a device class takes, and the state classes that go with it. */
const SENSOR_CLASSES: Readonly<
  Record<string, { readonly units: readonly string[]; readonly states: readonly string[] }>
> = {
  voltage: { units: ['V', 'mV'], states: ['measurement'] },
  current: { units: ['A', 'mA'], states: ['measurement'] },
  power: { units: ['W', 'kW'], states: ['measurement'] },
  apparent_power: { units: ['VA'], states: ['measurement'] },
  power_factor: { units: ['%'], states: ['measurement'] },
  frequency: { units: ['Hz'], states: ['measurement'] },
  temperature: { units: ['°C'], states: ['measurement'] },
  battery: { units: ['%'], states: ['measurement'] },
  duration: { units: ['s', 'min', 'h'], states: ['measurement', 'total', 'total_increasing'] },
  energy: { units: ['Wh', 'kWh'], states: ['total', 'total_increasing'] },
  energy_storage: { units: ['Wh', 'kWh'], states: ['measurement'] },
};

const sensor = z
  .strictObject({
    platform: z.literal('sensor'),
    ...common,
    value_template: z.string().min(1),
    device_class: z.enum([...Object.keys(SENSOR_CLASSES), 'enum', 'timestamp', 'monetary']).optional(),
    state_class: z.enum(['measurement', 'total', 'total_increasing']).optional(),
    unit_of_measurement: z.string().min(1).optional(),
    suggested_display_precision: z.int().min(0).max(6).optional(),
    options: z.array(z.string().min(1)).min(2).optional(),
    expire_after: z.int().positive().optional(),
  })
  .superRefine((one, context) => {
    const fault = (message: string): void =>
      context.addIssue({ code: 'custom', message: `${one.unique_id}: ${message}` });
    const { device_class: kind, state_class: state, unit_of_measurement: unit, options } = one;
    if ((options !== undefined) !== (kind === 'enum')) fault('options go with the class enum');
    if ((kind === 'enum' || kind === 'timestamp') && (state ?? unit) !== undefined)
      fault(`a ${kind} has neither a state class nor a unit`);
    const allowed = SENSOR_CLASSES[kind ?? ''];
    if (allowed === undefined) return;
    if (!allowed.units.includes(unit ?? '')) fault(`${kind} has no unit ${unit}`);
    if (!allowed.states.includes(state ?? '')) fault(`${kind} has no state class ${state}`);
  });

const binarySensor = z.strictObject({
  platform: z.literal('binary_sensor'),
  ...common,
  value_template: z.string().min(1),
  device_class: z
    .enum(['battery', 'battery_charging', 'connectivity', 'power', 'problem', 'running', 'plug'])
    .optional(),
  expire_after: z.int().positive().optional(),
});

const button = z.strictObject({
  platform: z.literal('button'),
  ...common,
  command_topic: topic,
  payload_press: z.string().optional(),
  device_class: z.enum(['restart', 'update', 'identify']).optional(),
});

/** How an entity is taken back: nothing but its platform. */
const removed = z.strictObject({ platform: z.enum(['sensor', 'binary_sensor', 'button']) });

const device = z.strictObject({
  identifiers: z.array(id).min(1),
  name: z.string().min(1),
  model: z.string().optional(),
  manufacturer: z.string().optional(),
  sw_version: z.string().optional(),
  serial_number: z.string().optional(),
  via_device: id.optional(),
});

export const discoveryMessage = z.strictObject({
  device,
  origin: z.strictObject({
    name: z.string().min(1),
    sw_version: z.string().optional(),
    support_url: z.url().optional(),
  }),
  state_topic: topic,
  availability: z.array(
    z.strictObject({
      topic,
      payload_available: z.string().optional(),
      payload_not_available: z.string().optional(),
      value_template: z.string().optional(),
    }),
  ),
  availability_mode: z.enum(['all', 'any', 'latest']),
  qos: z.literal([0, 1, 2]),
  components: z.record(id, z.union([sensor, binarySensor, button, removed])),
});
export type DiscoveryMessage = z.infer<typeof discoveryMessage>;
