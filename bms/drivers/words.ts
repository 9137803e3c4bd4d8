/** Between words and their bytes: the high byte first, as Modbus sends them, or the low one with `lowFirst`. */

/** Words of whole pairs of bytes. */
export function wordsOf(bytes: Uint8Array, lowFirst = false): Uint16Array {
  const words = new Uint16Array(bytes.length >>> 1);
  for (let at = 0; at < words.length; at += 1) {
    const high = bytes[2 * at + (lowFirst ? 1 : 0)] ?? 0;
    const low = bytes[2 * at + (lowFirst ? 0 : 1)] ?? 0;
    words[at] = (high << 8) | low;
  }
  return words;
}

export function bytesOf(words: Uint16Array, lowFirst = false): Uint8Array {
  const bytes = new Uint8Array(words.length * 2);
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? 0;
    bytes[at * 2] = lowFirst ? word & 0xff : word >>> 8;
    bytes[at * 2 + 1] = lowFirst ? word >>> 8 : word & 0xff;
  }
  return bytes;
}
