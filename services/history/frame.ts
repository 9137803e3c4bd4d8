/**
 * One moment of all series as bytes. Two bits per series say what follows, then come the numbers (float32, little
 * endian):
 *
 *     u16 series │ 2 bits each: 0 absent, 1 one number, 2 least mean greatest last │ f32 …
 *
 * A series that did not move within its slot takes one number, and one that was silent takes none.
 */

/** What a slot of time holds of one series. */
export interface Span {
  readonly min: number;
  readonly mean: number;
  readonly max: number;
  readonly last: number;
}

const ABSENT = 0;
const ONE = 1;
const FOUR = 2;

/** Series are told apart by their place in the list. */
export function encodeFrame(spans: readonly (Span | undefined)[]): Uint8Array {
  const codesLength = Math.ceil(spans.length / 4);
  const codes = new Uint8Array(codesLength);
  const numbers: number[] = [];
  spans.forEach((span, index) => {
    if (span === undefined) return;
    const flat = span.min === span.max;
    codes[index >> 2] = (codes[index >> 2] ?? 0) | ((flat ? ONE : FOUR) << ((index & 3) * 2));
    if (flat) numbers.push(span.last);
    else numbers.push(span.min, span.mean, span.max, span.last);
  });
  const bytes = new Uint8Array(2 + codesLength + numbers.length * 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, spans.length, true);
  bytes.set(codes, 2);
  numbers.forEach((value, index) => {
    view.setFloat32(2 + codesLength + index * 4, value, true);
  });
  return bytes;
}

/** The spans of the wanted series; a frame that is cut short or wrong gives what is sound in it. */
export function decodeFrame(bytes: Uint8Array, wanted: readonly number[]): (Span | undefined)[] {
  const found: (Span | undefined)[] = wanted.map(() => undefined);
  if (bytes.length < 2) return found;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint16(0, true);
  const places = new Map(wanted.map((series, place) => [series, place]));
  const last = Math.min(count - 1, Math.max(-1, ...wanted));
  let at = 2 + Math.ceil(count / 4);
  for (let series = 0; series <= last; series += 1) {
    const code = ((bytes[2 + (series >> 2)] ?? 0) >> ((series & 3) * 2)) & 3;
    if (code === ABSENT) continue;
    const size = code === FOUR ? 16 : 4;
    if (at + size > bytes.length) break;
    const place = places.get(series);
    if (place !== undefined) found[place] = code === FOUR ? four(view, at) : one(view.getFloat32(at, true));
    at += size;
  }
  return found;
}

const one = (value: number): Span => ({ min: value, mean: value, max: value, last: value });

const four = (view: DataView, at: number): Span => ({
  min: view.getFloat32(at, true),
  mean: view.getFloat32(at + 4, true),
  max: view.getFloat32(at + 8, true),
  last: view.getFloat32(at + 12, true),
});
