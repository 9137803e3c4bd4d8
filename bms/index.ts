export { type BindOptions, bindDevice } from './bind.ts';
export {
  type BoardSwitch,
  bindControl,
  type ControlOptions,
  canSwitch,
  type PackControl,
} from './control/pack-control.ts';
export type { ControlOutcome } from './control/switching.ts';
export type { Device } from './device.ts';
export { driverAt } from './drivers/boards.ts';
export { decodeLine } from './drivers/decode.ts';
export type {
  Cadence,
  Decoded,
  Driver,
  ExchangeDriver,
  ExchangeRead,
  Fields,
  I2cDriver,
  RecordedExchange,
  Refusal,
  RegisterBlock,
  RegisterDriver,
  StreamDriver,
  StreamParser,
} from './drivers/driver.ts';
export { ADS_INPUTS, ADS_RANGES_V } from './drivers/i2c/ads1115.ts';
export { type Sensor, usualAddress } from './drivers/i2c/sensors.ts';
export { onOrOff, valueAt } from './drivers/json-path.ts';
export { loadMappings, mappingFor, mappingIds, nearMappings } from './drivers/load-mappings.ts';
export { builtInProfiles, loadProfiles, ProfileError } from './drivers/load-profiles.ts';
export { type MappingDriver, mappedAlarm, mappingDriver } from './drivers/mapping.ts';
export { type BoundMapping, MAX_PAYLOAD } from './drivers/mapping-binding.ts';
export type { ProfileDriver } from './drivers/modbus-profile.ts';
export { driverFor, driverIds, UnknownDriverError } from './drivers/registry.ts';
export * from './model/index.ts';
export { implausible } from './plausible.ts';
export {
  ASKED_BY_NAME,
  type Certainty,
  type Finding,
  type I2cFinding,
  type I2cReport,
  type ProbePlace,
  type ProbeReport,
  probe,
  probeI2c,
} from './probe/index.ts';
export { type PlacedSensor, SensorPack } from './sensor-pack.ts';
