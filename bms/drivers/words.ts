/** Between registers and their bytes, the high byte first as Modbus sends them. */

/** Words of whole pairs of bytes. */
export function wordsOf(bytes: Uint8Array): Uint16Array {
  const words = new Uint16Array(bytes.length >>> 1);
  for (let at = 0; at < words.length; at += 1) words[at] = ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0);
  return words;
}

/** @param lowFirst for devices that turn the two bytes of every register round */
export function bytesOf(words: Uint16Array, lowFirst = false): Uint8Array {
  const bytes = new Uint8Array(words.length * 2);
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? 0;
    bytes[at * 2] = lowFirst ? word & 0xff : word >>> 8;
    bytes[at * 2 + 1] = lowFirst ? word >>> 8 : word & 0xff;
  }
  return bytes;
}
