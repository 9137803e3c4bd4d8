/** What clients may write. Kept while the service runs; after a restart the configuration counts again. */

export type Kind =
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  | { readonly kind: 'text'; readonly max: number };

const WRITABLE: Readonly<Record<string, Kind>> = {
  'battery.charge.low': { kind: 'number', min: 0, max: 100 },
  'battery.runtime.low': { kind: 'number', min: 0, max: 86_400 },
  'ups.id': { kind: 'text', max: 48 },
};

export class Settings {
  readonly #values: Map<string, string>;

  constructor(initial: Readonly<Record<string, string>>) {
    this.#values = new Map(Object.entries(initial).filter(([name]) => WRITABLE[name] !== undefined));
  }

  entries(): readonly (readonly [string, string])[] {
    return [...this.#values];
  }

  number(name: string): number {
    return Number(this.#values.get(name) ?? 0);
  }

  kindOf(name: string): Kind | undefined {
    return WRITABLE[name];
  }

  /** The word of the error, or nothing when it is taken. */
  set(name: string, value: string): 'READONLY' | 'TOO-LONG' | 'INVALID-VALUE' | undefined {
    const kind = WRITABLE[name];
    if (kind === undefined) return 'READONLY';
    if (kind.kind === 'text') {
      if (value.length > kind.max) return 'TOO-LONG';
      if (!/^[\x20-\x7e]*$/.test(value) || /["\\]/.test(value)) return 'INVALID-VALUE';
    } else if (!/^\d{1,6}(\.\d{1,3})?$/.test(value) || Number(value) < kind.min || Number(value) > kind.max) {
      return 'INVALID-VALUE';
    }
    this.#values.set(name, value);
    return undefined;
  }
}
