import type { Fields } from './drivers/driver.ts';
import type { PackSample, Sample } from './model/sample.ts';

type ToSample<S extends Sample> = (fields: Fields, measuredAtMs: number) => S;

/**
 * For a board that counts its current the other way round. The decoded values are turned before the driver looks at them, so
 * that it does not report a contradiction between current and state that is not there; a driver that computes the current
 * itself gets its sample turned.
 */
export function invertedCurrent<S extends Sample>(sample: ToSample<S>): ToSample<S> {
  return (fields, measuredAtMs) => {
    const plain = sample(fields, measuredAtMs);
    if (plain.kind !== 'pack') return plain;
    const turned = sample(turnedFields(fields), measuredAtMs);
    const followed = turned.kind === 'pack' && turned.currentA === negative(plain.currentA);
    return followed ? turned : ({ ...plain, ...turnedSample(plain) } as S);
  };
}

function turnedFields(fields: Fields): Fields {
  const { currentA, powerW } = fields;
  return {
    ...fields,
    ...(typeof currentA === 'number' ? { currentA: negative(currentA) } : {}),
    ...(typeof powerW === 'number' ? { powerW: negative(powerW) } : {}),
  };
}

function turnedSample({ currentA, powerW }: PackSample): Pick<PackSample, 'currentA' | 'powerW'> {
  return {
    ...(currentA === undefined ? {} : { currentA: 0 - currentA }),
    ...(powerW === undefined ? {} : { powerW: 0 - powerW }),
  };
}

/** Without the negative zero. */
function negative(value: number | undefined): number | undefined {
  return value === undefined ? undefined : 0 - value;
}
