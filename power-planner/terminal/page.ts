import type { Answer, Finding } from '../answers/answer.ts';
import type { Style } from './style.ts';
import { wrapped } from './table.ts';

export interface PageOptions {
  readonly style: Style;
  readonly columns: number;
  /** Every assumption with its source, instead of how many there are. */
  readonly assumptions: boolean;
}

/** What all answers end with: warnings and what to do, the checklist, and what the figures rest on. */
export function closing(answer: Answer, options: PageOptions): string[] {
  return [
    ...section('warnings', warnings(answer.findings, options), options),
    ...section(
      'to ask (nothing here says "safe")',
      answer.checklist.map((line) => `  □ ${line}`),
      options,
    ),
    ...section('assumptions', assumptions(answer, options), options),
  ];
}

export function section(title: string, lines: readonly string[], { style }: PageOptions): string[] {
  return lines.length === 0 ? [] : ['', style.strong(title), ...lines];
}

function warnings(findings: readonly Finding[], { style, columns }: PageOptions): string[] {
  if (findings.length === 0) return ['  none of the codes holds for what the scenario tells'];
  const colour = { danger: style.danger, caution: style.caution, note: style.faint } as const;
  return findings.flatMap(({ code, level, text, advice, where }) => [
    `  ${colour[level](level.padEnd(7))}  ${style.strong(code)}${where === undefined ? '' : style.faint(` (${where})`)}`,
    ...wrapped('           ', `${text}. ${advice}`, columns),
  ]);
}

function assumptions({ assumptions: all }: Answer, { style, columns, assumptions: wanted }: PageOptions): string[] {
  const unchecked = all.filter(({ verified }) => !verified).length;
  if (all.length === 0) return [];
  if (!wanted) {
    const checked =
      unchecked === 0 ? 'all with a source' : `${unchecked} of them without a source that could be checked`;
    return [`  ${all.length} figures are not from the scenario, ${checked}; --assumptions lists them`];
  }
  return all.flatMap(({ what, value, source, verified }) => [
    `  ${verified ? ' ' : style.caution('?')} ${what}: ${value}`,
    ...wrapped('      ', source, columns).map(style.faint),
  ]);
}
