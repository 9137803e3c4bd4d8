import { vi } from 'vitest';

export interface Captured<T> {
  readonly value: T;
  readonly out: string;
  readonly err: string;
}

/** Runs something and keeps all that it prints, by whichever way it prints. */
export async function captured<T>(action: () => T | Promise<T>): Promise<Captured<T>> {
  const text = { out: '', err: '' };
  const take =
    (stream: 'out' | 'err', end = '') =>
    (...parts: unknown[]): boolean => {
      text[stream] += parts.map(String).join(' ') + end;
      return true;
    };
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(take('out', '\n')),
    vi.spyOn(console, 'error').mockImplementation(take('err', '\n')),
    vi.spyOn(process.stdout, 'write').mockImplementation((part) => take('out')(part)),
    vi.spyOn(process.stderr, 'write').mockImplementation((part) => take('err')(part)),
  ];
  try {
    const value = await action();
    return { value, ...text };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
