export { type Acceptance, more } from './acceptance.ts';
export { BridgeError, type BridgeErrorCode } from './errors.ts';
export type {
  ByteExchange,
  ByteRequest,
  ExchangeStats,
  RegisterExchange,
  RegisterRead,
  RegisterTable,
} from './exchange.ts';
export type { ByteTransport, SerialLine, Unsubscribe } from './transport.ts';
