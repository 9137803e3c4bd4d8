import { BridgeError, type BridgeErrorCode } from './errors.ts';

/** What the operating system's words mean on an I2C bus. */

interface Meaning {
  readonly code: BridgeErrorCode;
  /** `nack`: nobody answers at this address. `held`: a line stays low. `bus_error`: the wire. */
  readonly reason: string;
  readonly text: (address: string) => string;
  readonly retryable: boolean;
}

const nack: Meaning = {
  code: 'timeout',
  reason: 'nack',
  text: (address) =>
    `nobody answers at ${address}; check its power, wiring and address (i2cdetect -y N lists who does)`,
  retryable: true,
};
const disturbed: Meaning = {
  code: 'timeout',
  reason: 'bus_error',
  text: (address) => `the bus failed while ${address} was asked; check wiring, pull-ups and speed`,
  retryable: true,
};
const gone: Meaning = { code: 'closed', reason: 'gone', text: () => 'the adapter went away', retryable: true };
const forbidden: Meaning = {
  code: 'open',
  reason: 'permission',
  text: () => 'it may not be opened; add the user to the group i2c',
  retryable: false,
};
const unable: Meaning = {
  code: 'refused',
  reason: 'unsupported',
  text: () => 'the adapter cannot do this kind of transfer',
  retryable: false,
};

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENXIO: nack,
  EREMOTEIO: nack,
  EIO: disturbed,
  ETIMEDOUT: {
    ...disturbed,
    reason: 'held',
    text: (address) => `something holds the bus, perhaps ${address} itself; take the chips off one by one`,
  },
  EAGAIN: disturbed,
  EPROTO: disturbed,
  ENODEV: gone,
  EBADF: gone,
  ESHUTDOWN: gone,
  EACCES: forbidden,
  EPERM: forbidden,
  ENOENT: {
    code: 'open',
    reason: 'no_bus',
    text: () => 'there is no such bus; switch I2C on (raspi-config, or dtparam=i2c_arm=on) and load i2c-dev',
    retryable: false,
  },
  EBUSY: {
    code: 'open',
    reason: 'kernel_driver',
    text: (address) => `a driver of the kernel holds ${address}; read it there (hwmon), or unbind that driver`,
    retryable: false,
  },
  EOPNOTSUPP: unable,
  ENOTTY: unable,
  EINVAL: unable,
};

/** Those that Node has no name for, by their numbers on Linux. */
const NAMELESS: Readonly<Record<number, string>> = { 71: 'EPROTO', 108: 'ESHUTDOWN', 121: 'EREMOTEIO' };

/** A failed call as a `BridgeError` with what to try; one that is a `BridgeError` already stays. */
export function i2cFailure(
  error: unknown,
  { bus, label, address }: { readonly bus: string; readonly label: string; readonly address: number },
): BridgeError {
  if (error instanceof BridgeError) return error;
  const told: Partial<NodeJS.ErrnoException> = error instanceof Error ? error : { message: String(error) };
  const code = NAMELESS[Math.abs(told.errno ?? 0)] ?? told.code ?? '';
  const shown = `0x${address.toString(16).padStart(2, '0')}`;
  const meaning = Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined;
  if (meaning === undefined) {
    const text = `${label} at ${shown}: ${told.message}`;
    return new BridgeError('refused', bus, text, { reason: 'bus_error', cause: error });
  }
  return new BridgeError(meaning.code, bus, `${label}: ${meaning.text(shown)} (${code})`, {
    reason: meaning.reason,
    retryable: meaning.retryable,
    cause: error,
  });
}

/** After this the adapter is let go of and opened anew; after silence of one chip it is as good as before. */
export const isGone = ({ code }: BridgeError): boolean => code === 'open' || code === 'closed' || code === 'refused';
