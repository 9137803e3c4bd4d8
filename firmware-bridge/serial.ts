import type { SerialPort } from 'serialport';
import { BridgeError } from './errors.ts';
import { Listeners } from './listeners.ts';
import { failReadsOnHangUp } from './serial-hangup.ts';
import type { ByteTransport, SerialLine, Unsubscribe } from './transport.ts';

/**
 * A serial port: an adapter, an on-board UART or one end of a pty. Prefer `/dev/serial/by-id/…`, which stays the same
 * when adapters are plugged in another order.
 */
export function serialTransport(options: { readonly path: string; readonly line: SerialLine }): ByteTransport {
  return new SerialTransport(options.path, options.line);
}

class SerialTransport implements ByteTransport {
  readonly name: string;
  readonly #path: string;
  readonly #line: SerialLine;
  readonly #data = new Listeners<Uint8Array>();
  readonly #closed = new Listeners<BridgeError | undefined>();
  #port: SerialPort | undefined;
  #opening = false;

  constructor(path: string, line: SerialLine) {
    this.name = `serial:${path}`;
    this.#path = path;
    this.#line = line;
  }

  get isOpen(): boolean {
    return this.#port?.isOpen ?? false;
  }

  async open(signal?: AbortSignal): Promise<void> {
    if (this.isOpen || this.#opening) throw new BridgeError('open', this.name, 'is open already');
    this.#opening = true;
    // A port whose close hangs is left to itself; its lock tells when it is really gone.
    this.#port = undefined;
    try {
      const { SerialPort } = await import('serialport');
      signal?.throwIfAborted();
      this.#adopt(await this.#openPort(SerialPort, signal));
    } catch (error) {
      if (error instanceof BridgeError) throw error;
      if (signal?.aborted)
        throw new BridgeError('open', this.name, 'was given up before it was open', { cause: error });
      throw openError(this.name, this.#path, error);
    } finally {
      this.#opening = false;
    }
  }

  #openPort(Port: typeof SerialPort, signal: AbortSignal | undefined): Promise<SerialPort> {
    return new Promise((resolve, reject) => {
      const port = new Port({
        path: this.#path,
        baudRate: this.#line.baud,
        dataBits: this.#line.dataBits ?? 8,
        parity: this.#line.parity ?? 'none',
        stopBits: this.#line.stopBits ?? 1,
        autoOpen: false,
      });
      const onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      port.open((error) => {
        signal?.removeEventListener('abort', onAbort);
        if (error) reject(error);
        // Nobody waits any more; a port left open would keep its lock.
        else if (signal?.aborted) port.close(() => {});
        else resolve(port);
      });
    });
  }

  #adopt(port: SerialPort): void {
    this.#port = port;
    // Before the first listener for data, which starts the reading.
    failReadsOnHangUp(port.port);
    // Errors that matter reach the callback of the call they belong to, or end in 'close'; without a listener they would throw.
    port.on('error', () => {});
    port.on('data', (chunk: Buffer) => this.#data.emit(chunk));
    port.on('close', (cause: Error | null | undefined) => {
      if (this.#port !== port) return;
      this.#port = undefined;
      const lost = cause
        ? new BridgeError('closed', this.name, 'the port went away (unplugged?)', { cause })
        : undefined;
      this.#closed.emit(lost);
    });
  }

  close(): Promise<void> {
    const port = this.#port;
    if (!port) return Promise.resolve();
    return new Promise((resolve) => {
      port.once('close', () => resolve());
      // A port that is already going down reports an error here, and 'close' a moment later.
      if (port.isOpen) port.close((error) => error && resolve());
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    const port = this.#port;
    // serialport would keep the bytes for a later open and never call back.
    if (!port?.isOpen) return Promise.reject(new BridgeError('closed', this.name, 'the port is not open'));
    return new Promise((resolve, reject) => {
      port.write(bytes, (cause) => {
        if (cause)
          reject(new BridgeError('write', this.name, `could not write (${cause.message})`, { cause, retryable: true }));
        else resolve();
      });
    });
  }

  flush(): Promise<void> {
    const port = this.#port;
    if (!port?.isOpen) return Promise.resolve();
    // Not every device file can be flushed; what stays is thrown away when it is read.
    return new Promise((resolve) => port.flush(() => resolve()));
  }

  onData(listener: (chunk: Uint8Array) => void): Unsubscribe {
    return this.#data.add(listener);
  }

  onClosed(listener: (reason: BridgeError | undefined) => void): Unsubscribe {
    return this.#closed.add(listener);
  }
}

/** The binding's errors carry text only, so the text is what tells them apart. */
const hints: readonly (readonly [RegExp, string])[] = [
  [
    /no such (file|device)/i,
    'there is no such device; is the cable in, and is the name right (see /dev/serial/by-id)?',
  ],
  [
    /permission denied|operation not permitted/i,
    'no permission; add the user to the group of the device (usually `sudo usermod -aG dialout USER`, then log in again)',
  ],
  [
    /lock port|busy|temporarily unavailable/i,
    'another program holds it; find it with `fuser PATH` and stop it (often ModemManager, a terminal program, or a second holdover)',
  ],
  [
    /inappropriate ioctl|not a typewriter|is a directory/i,
    'this is not a serial port, or it cannot do this line setting',
  ],
  [/input\/output error/i, 'the adapter does not respond; plug it in again'],
];

function openError(name: string, path: string, cause: unknown): BridgeError {
  const text = cause instanceof Error ? cause.message.replace(/^Error:? /, '') : String(cause);
  const hint = hints.find(([pattern]) => pattern.test(text))?.[1].replace('PATH', path);
  return new BridgeError('open', name, hint ? `cannot open: ${hint} (${text})` : `cannot open (${text})`, {
    cause,
    retryable: true,
  });
}
