export type { Device } from './device.ts';
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
export * from './model/index.ts';
