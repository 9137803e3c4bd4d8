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
export { bytesToHex, hexToBytes } from './framing/ascii-hex.ts';
export { byteSum, crc16Modbus } from './framing/crc.ts';
export { Cursor } from './framing/cursor.ts';
export { acceptLengthPrefixed, type LengthPrefixedShape } from './framing/length-prefixed.ts';
export { Malformed } from './framing/malformed.ts';
export type { ByteTransport, SerialLine, Unsubscribe } from './transport.ts';
