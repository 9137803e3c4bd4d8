export { type BindOptions, bindDevice } from './bind.ts';
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
  RecordedExchange,
  Refusal,
  RegisterBlock,
  RegisterDriver,
  StreamDriver,
  StreamParser,
} from './drivers/driver.ts';
export { builtInProfiles, loadProfiles, ProfileError } from './drivers/load-profiles.ts';
export type { ProfileDriver } from './drivers/modbus-profile.ts';
export { driverFor, driverIds, UnknownDriverError } from './drivers/registry.ts';
export * from './model/index.ts';
export { implausible } from './plausible.ts';
