import { describe, expect, it } from 'vitest';
import { JbdSettings } from '../../../../services/twin/devices/jbd-settings.ts';

const read = (register: number, ...data: number[]) => ({ write: false, register, data: Uint8Array.from(data) });
const write = (register: number, ...data: number[]) => ({ write: true, register, data: Uint8Array.from(data) });

const enter = write(0x00, 0x56, 0x78);
const discard = write(0x01, 0, 0);
const save = write(0x01, 0x28, 0x28);
const functions = read(0x2d);

describe('settings of an emulated JBD board', () => {
  it('open in factory mode only', () => {
    const board = new JbdSettings(16);
    expect(board.answer(functions)).toEqual({ status: 0x81 });
    expect(board.answer(write(0x00, 1, 2))).toEqual({ status: 0x81 });
    expect(board.answer(discard)).toEqual({ status: 0x81 });
    expect(board.answer(enter)).toEqual({ status: 0 });
    expect(board.answer(functions)).toEqual({ status: 0, data: [0, 6] });
    expect(board.answer(discard)).toEqual({ status: 0 });
    expect(board.answer(functions)).toEqual({ status: 0x81 });
  });

  it('are kept when they are saved, and not otherwise', () => {
    const board = new JbdSettings(16);
    const kept = (leave: typeof save): unknown => {
      board.answer(enter);
      board.answer(write(0x2d, 0, 2));
      board.answer(leave);
      board.answer(enter);
      const answer = board.answer(functions);
      board.answer(discard);
      return answer?.data;
    };
    expect(kept(discard)).toEqual([0, 6]);
    expect(kept(save)).toEqual([0, 2]);
  });

  it('let nobody change a protection', () => {
    const board = new JbdSettings(16);
    board.answer(enter);
    expect(board.answer(write(0x24, 0x10, 0x68))).toEqual({ status: 0x81 });
    board.answer(save);
    board.answer(enter);
    expect(board.answer(read(0x24))?.data).toEqual([0x0e, 0x42]);
  });

  it('are told as a block without any mode, and nothing else is theirs', () => {
    const board = new JbdSettings(16);
    expect(board.answer(read(0xfa, 0, 20, 2))).toEqual({ status: 0, data: [0, 20, 2, 0x0e, 0x42, 0x0d, 0xac] });
    expect(board.answer(read(0xfa, 0, 20, 96))).toEqual({ status: 0x80 });
    expect(board.answer(read(0x03))).toBeUndefined();
    expect(board.answer(write(0xe1, 0, 0))).toBeUndefined();
  });
});
