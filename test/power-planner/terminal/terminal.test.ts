import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bar, plot } from '../../../power-planner/terminal/chart.ts';
import { duration, figure, percent } from '../../../power-planner/terminal/figure.ts';
import { PLAIN, styleFor, widthOf } from '../../../power-planner/terminal/style.ts';
import { pairs, table, wrapped } from '../../../power-planner/terminal/table.ts';

describe('figures', () => {
  it.each([
    [280.57, 'W', '281 W'],
    [14_368, 'Wh', '14.4 kWh'],
    [0.42312, 'W', '0.423 W'],
    [2, 'A', '2 A'],
    [100, 'kg', '100 kg'],
    [0, 'W', '0 W'],
    [1e-12, 'W', '0 W'],
    [-2.5, 'A', '-2.5 A'],
    [undefined, 'W', '–'],
    [Number.NaN, 'W', '–'],
    [0.95, '', '0.95'],
  ])('%s %s is %s', (value, unit, text) => {
    expect(figure(value, unit)).toBe(text);
  });

  it('of durations and shares', () => {
    expect(duration(51.209)).toBe('51.2 h');
    expect(duration(0.25)).toBe('15 min');
    expect(duration(2400)).toBe('100 days');
    expect(duration(Number.POSITIVE_INFINITY)).toBe('for ever');
    expect(percent(0.0711)).toBe('7.11 %');
    expect(percent(Number.NaN)).toBe('–');
  });

  it('have three digits, and are right to half of the last', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 9_000, noNaN: true }), (value) => {
        const text = figure(value);
        expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(Math.max(value * 0.00501, value >= 100 ? 0.5 : 0));
        if (value < 100) expect(text.replace(/^0\.0*|\.|0*$/g, '').length).toBeLessThanOrEqual(3);
      }),
    );
  });
});

describe('a bar', () => {
  it('grows with its share, in eighths', () => {
    expect(bar(0, 8)).toBe('');
    expect(bar(1, 8)).toBe('████████');
    expect(bar(0.5, 8)).toBe('████');
    expect(bar(1 / 64, 8)).toBe('▏');
    expect(bar(0.0001, 8)).toBe('▏');
    expect(bar(1.5, 8)).toBe('███████▶');
    expect(bar(Number.NaN, 8)).toBe('');
  });
});

describe('a plot', () => {
  const options = { columns: 10, rows: 4, xLabel: (x: number) => `${x} h`, yLabel: (y: number) => `${y} V` };
  const dots = (line = ''): number[] => [...line].flatMap((c, i) => ((c.codePointAt(0) ?? 0) > 0x2800 ? [i] : []));

  it('goes from the top left to the bottom right for what falls', () => {
    const lines = plot(
      [
        { x: 0, y: 50 },
        { x: 10, y: 40 },
      ],
      options,
    );
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^ {2}50 V ┤/);
    expect(lines[3]).toMatch(/^ {2}40 V ┤/);
    expect(lines[4]).toMatch(/0 h +10 h$/);
    expect(Math.max(...dots(lines[0]))).toBeLessThan(Math.min(...dots(lines[3])));
    expect(new Set(lines.slice(0, 4).map((line) => line.length)).size).toBe(1);
  });

  it('of a flat line, a step, and of nothing', () => {
    expect(
      plot(
        [
          { x: 0, y: 5 },
          { x: 1, y: 5 },
        ],
        options,
      )
        .slice(0, 1)
        .flatMap((line) => dots(line)),
    ).toHaveLength(10);
    const step = plot(
      [
        { x: 0, y: 1 },
        { x: 5, y: 1 },
        { x: 5, y: 0 },
        { x: 10, y: 0 },
      ],
      options,
    );
    expect(dots(step[0]).length).toBeGreaterThan(3);
    expect(dots(step[3]).length).toBeGreaterThan(3);
    expect(plot([], options)).toEqual([]);
    expect(plot([{ x: 1, y: 1 }], options)).toEqual([]);
  });
});

describe('a table', () => {
  it('stands in columns whatever is in it', () => {
    const lines = table(
      ['', 'watts'],
      [
        ['nodes', '5 W'],
        ['a', '1000 W'],
      ],
      PLAIN,
    );
    expect(lines).toEqual(['          watts', '  nodes     5 W', '  a      1000 W']);
    const style = styleFor(true, {});
    const painted = table(
      ['', 'watts'],
      [
        [style.danger('nodes'), '5 W'],
        ['a', '1000 W'],
      ],
      style,
    );
    expect(painted.map(widthOf)).toEqual(lines.map(widthOf));
  });

  it('of pairs and of wrapped text keeps its indent', () => {
    expect(
      pairs(
        [
          ['a', '1'],
          ['long', '2'],
        ],
        PLAIN,
      ),
    ).toEqual(['  a     1', '  long  2']);
    const lines = wrapped('  x: ', 'one two three four five six seven', 28);
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(28);
    expect(lines[1]).toMatch(/^ {5}\S/);
    expect(lines.join(' ').replace(/\s+/g, ' ')).toContain('one two three four five six seven');
  });
});
