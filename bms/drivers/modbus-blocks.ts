import type { RegisterValue } from './modbus-values.ts';

/** Registers that are read in one request. */
export interface Block {
  readonly fc: RegisterValue['fc'];
  readonly address: number;
  readonly count: number;
  /** Named unit; undefined: the device's own. */
  readonly unit: string | undefined;
  readonly cadence: RegisterValue['cadence'];
  readonly optional: boolean;
  readonly values: readonly RegisterValue[];
}

/**
 * Packs values into as few reads as the device allows. A value is never split, holes are bridged up to `mergeGap`
 * registers, and an optional value is alone in its read: an exception then costs nobody else.
 */
export function mergeBlocks(
  values: readonly RegisterValue[],
  limits: { readonly maxRegisters: number; readonly mergeGap: number },
): readonly Block[] {
  const sorted = [...values].sort(
    (a, b) => rank(a) - rank(b) || byName(a.unit, b.unit) || a.fc - b.fc || a.address - b.address || a.span - b.span,
  );
  const blocks: Block[] = [];
  for (const value of sorted) {
    const last = blocks.at(-1);
    const end = value.address + value.span;
    if (last !== undefined && fits(last, value, limits)) {
      const count = Math.max(last.count, end - last.address);
      blocks[blocks.length - 1] = { ...last, count, values: [...last.values, value] };
    } else {
      const { fc, address, span, unit, cadence, optional } = value;
      blocks.push({ fc, address, count: span, unit, cadence, optional, values: [value] });
    }
  }
  return blocks;
}

function fits(
  block: Block,
  value: RegisterValue,
  limits: { readonly maxRegisters: number; readonly mergeGap: number },
): boolean {
  if (block.unit !== value.unit || block.fc !== value.fc || block.cadence !== value.cadence) return false;
  if ((block.optional || value.optional) && block.address !== value.address) return false;
  if (block.optional !== value.optional) return false;
  if (value.address - (block.address + block.count) > limits.mergeGap) return false;
  return value.address + value.span - block.address <= maxCount(value, limits);
}

/** Bits travel sixteen in the room of a register. */
function maxCount({ fc }: RegisterValue, { maxRegisters }: { readonly maxRegisters: number }): number {
  return fc <= 2 ? maxRegisters * 16 : maxRegisters;
}

function byName(one = '', other = ''): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function rank(value: RegisterValue): number {
  return ['fast', 'slow', 'once'].indexOf(value.cadence) * 2 + (value.optional ? 1 : 0);
}
