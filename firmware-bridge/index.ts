export { type Acceptance, more } from './acceptance.ts';
export { transportAt } from './address.ts';
export type { BusOptions } from './bus.ts';
export { byteExchange } from './byte-exchange.ts';
export type { Reconnect } from './connection.ts';
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
export { byteSum, crc16Modbus, withCrc16Modbus } from './framing/crc.ts';
export { Cursor } from './framing/cursor.ts';
export { latin1Bytes, latin1Text } from './framing/latin1.ts';
export { acceptLengthPrefixed, type LengthPrefixedShape } from './framing/length-prefixed.ts';
export { Malformed } from './framing/malformed.ts';
export { i2cBusAt, isI2cPath } from './i2c-address.ts';
export {
  type I2cBus,
  type I2cChip,
  type I2cConversation,
  type I2cExchange,
  type I2cMux,
  type I2cPlace,
  i2cExchange,
} from './i2c-exchange.ts';
export { type ModbusOptions, modbusRtuExchange, modbusTcpExchange, type WritableExchange } from './modbus.ts';
export { acceptRtuWrite, type RegisterWrite } from './modbus-write.ts';
export { type RecordedChunk, type RecordingHeader, type RecordOptions, recordTransport } from './record.ts';
export { parseRecording, type Recording, replayTransport } from './replay.ts';
export { serialTransport } from './serial.ts';
export { serialPorts } from './serial-ports.ts';
export { type TcpTransportOptions, tcpTransport } from './tcp.ts';
export type { ByteTransport, SerialLine, Unsubscribe } from './transport.ts';
export { pause } from './waiting.ts';
