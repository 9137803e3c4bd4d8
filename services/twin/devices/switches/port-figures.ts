import type { WorldPort } from '../../model.ts';

/** Voltage at a port that delivers, V: what real captures of such switches show. */
const PORT_V = 53.8;

/** What a port that delivers measures; nothing at one that does not. */
export function figuresOf({
  state,
  powerW,
}: WorldPort): { readonly voltageV: number; readonly currentA: number; readonly powerW: number } | undefined {
  if (state !== 'delivering') return undefined;
  return { voltageV: PORT_V, currentA: powerW / PORT_V, powerW };
}
