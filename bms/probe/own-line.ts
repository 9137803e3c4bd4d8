import type { ByteTransport, Unsubscribe } from '#bridge';

/**
 * One open line lent to several exchanges, one after the other: closing an exchange gives it back and leaves the line open.
 * Opening a port again for every question would reset devices that hang on its modem lines.
 */
export function lent(line: ByteTransport): ByteTransport {
  const subscriptions = new Set<Unsubscribe>();
  const kept = (unsubscribe: Unsubscribe): Unsubscribe => {
    subscriptions.add(unsubscribe);
    return unsubscribe;
  };
  return {
    name: line.name,
    get isOpen() {
      return line.isOpen;
    },
    open: (signal) => line.open(signal),
    async close() {
      for (const unsubscribe of subscriptions) unsubscribe();
      subscriptions.clear();
    },
    write: (bytes) => line.write(bytes),
    flush: () => line.flush(),
    onData: (listener) => kept(line.onData(listener)),
    onClosed: (listener) => kept(line.onClosed(listener)),
  };
}

/** The line, with the bytes counted that are sent over it. */
export function counted(line: ByteTransport, sent: (bytes: number) => void): ByteTransport {
  return {
    name: line.name,
    get isOpen() {
      return line.isOpen;
    },
    open: (signal) => line.open(signal),
    close: () => line.close(),
    write(bytes) {
      sent(bytes.length);
      return line.write(bytes);
    },
    flush: () => line.flush(),
    onData: (listener) => line.onData(listener),
    onClosed: (listener) => line.onClosed(listener),
  };
}
