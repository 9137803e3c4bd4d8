import { describe, expect, it } from 'vitest';
import { messageOf, UserError } from '../../../services/runtime/errors.ts';

describe('errors', () => {
  it('of the user have a message and may have a hint', () => {
    expect(new UserError('m', 'h')).toMatchObject({ name: 'UserError', message: 'm', hint: 'h' });
    expect(new UserError('m').hint).toBeUndefined();
    expect(new UserError('m')).toBeInstanceOf(Error);
  });

  it.each([
    [new Error('m'), 'm'],
    ['m', 'm'],
    [undefined, 'undefined'],
    [{ toString: (): string => 'm' }, 'm'],
  ])('have a message, whatever was thrown: %s', (thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });
});
