/**
 * Repeatable chance. Every figure is a function of the seed and of what it is for, never of how often somebody asked:
 * a world moved in small steps sees the same noise as one moved in large steps.
 */

/** A 32-bit number for a piece of text (FNV-1a). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Mixes some integers to one 32-bit number; neighbouring inputs give unrelated outputs. */
export function hash32(...keys: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const key of keys) {
    hash = Math.imul(hash ^ (key >>> 0), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash >>> 0;
}

/** 0 up to but not including 1. */
export const unit = (...keys: readonly number[]): number => hash32(...keys) / 0x1_0000_0000;

/** -1 up to but not including 1. */
export const signedUnit = (...keys: readonly number[]): number => unit(...keys) * 2 - 1;

/** A version 4 shaped UUID, as Linux makes one per boot. */
export function uuidOf(...keys: readonly number[]): string {
  const hex = [1, 2, 3, 4]
    .map((part) =>
      hash32(...keys, part)
        .toString(16)
        .padStart(8, '0'),
    )
    .join('');
  const variant = '89ab'[hash32(...keys, 5) & 3] ?? '8';
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
