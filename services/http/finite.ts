/** The type of `T` after a trip through JSON: the same data, no longer read-only. */
export type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Plain<T[Key]> }
    : T;

const writable = (value: unknown): boolean =>
  value !== undefined && typeof value !== 'function' && (typeof value !== 'number' || Number.isFinite(value));

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter(writable).map(copy);
  if (typeof value !== 'object' || value === null) return value;
  const out: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    if (!writable(child)) continue;
    if (Array.isArray(child) && !child.every(writable)) continue;
    out[key] = copy(child);
  }
  return out;
}

/**
 * A copy that JSON can carry. NaN and infinities say nothing, so the field is left out, as for a device that does not
 * tell; a list with such an entry is left out as a whole, because a shorter list would number its entries wrongly.
 */
export function finite<T extends object>(value: T): Plain<T> {
  return copy(value) as Plain<T>;
}
