import { InvalidArgumentError } from 'commander';

/** Numbers as options of the command line; what is none is said, with the range. */

/** A number within a range. */
export function between(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < min || value > max)
      throw new InvalidArgumentError(`a number from ${min} to ${max} is expected.`);
    return value;
  };
}

/** A whole number within a range, in digits. */
export function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text.trim()) || value < min || value > max)
      throw new InvalidArgumentError(`a whole number from ${min} to ${max} is expected.`);
    return value;
  };
}
