/**
 * Watches the bytes a client sends for the length each MQTT packet declares, so that nobody can make the broker collect
 * a packet of up to 256 MB in memory before it looks at it.
 * @returns push: false as soon as a packet declares more than `maxBytes`, or its length is malformed
 */
export function packetLimit(maxBytes: number): (chunk: Uint8Array) => boolean {
  // Fixed header: one byte of type and flags, then the length in groups of 7 bits, lowest first, at most 4 bytes.
  let bodyLeft = 0;
  let expecting: 'type' | 'length' = 'type';
  let length = 0;
  let shift = 0;

  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (bodyLeft > 0) {
        const skipped = Math.min(bodyLeft, chunk.length - at);
        bodyLeft -= skipped;
        at += skipped;
        continue;
      }
      const byte = chunk[at] ?? 0;
      at += 1;
      if (expecting === 'type') {
        expecting = 'length';
        length = 0;
        shift = 0;
        continue;
      }
      length += (byte & 0x7f) * 2 ** shift;
      shift += 7;
      if (length > maxBytes) return false;
      if (byte >= 0x80) {
        if (shift >= 28) return false;
        continue;
      }
      bodyLeft = length;
      expecting = 'type';
    }
    return true;
  };
}
