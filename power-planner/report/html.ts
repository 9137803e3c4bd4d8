import { createHash } from 'node:crypto';
import type { Assumption, Finding } from '../answers/answer.ts';
import { type Block, documentOf } from './document.ts';
import type { Report } from './gather.ts';
import { element, escapeHtml } from './markup.ts';
import { STYLE } from './style.ts';

/**
 * The report as one file that asks nobody for anything: no script, no request, and a content security policy of its own that
 * allows nothing but its style. Whatever comes from the scenario is escaped.
 */
export function reportHtml(report: Report): string {
  const { title, sections } = documentOf(report);
  const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'`;
  const body = sections.map(({ title: heading, blocks }) =>
    element('section', {}, element('h2', {}, escapeHtml(heading)), ...blocks.map(shown)),
  );
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">`,
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${escapeHtml(title)}: power plan</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body><main>',
    `<h1>${escapeHtml(title)}</h1>`,
    '<p class="lead">A power plan by holdover. Figures have three digits at most; what they rest on is at the end.</p>',
    ...body,
    '</main></body>',
    '</html>',
    '',
  ].join('\n');
}

function shown(block: Block): string {
  switch (block.kind) {
    case 'text':
      return element('p', {}, escapeHtml(block.text));
    case 'list':
      return element('ul', {}, ...block.items.map((item) => element('li', {}, escapeHtml(item))));
    case 'table':
      return table(block);
    case 'figures':
      return element('dl', { class: 'glance' }, ...block.rows.map(tile));
    case 'findings':
      return element('ul', { class: 'findings' }, ...block.findings.map(finding));
    case 'assumptions':
      return element('dl', { class: 'assumptions' }, ...block.assumptions.map(assumption));
    case 'picture':
      return element('figure', {}, block.svg, element('figcaption', {}, escapeHtml(block.caption)));
  }
}

/** A column of longer texts may break its lines. */
const WRAPPED = 18;

function table({ head, rows, left = [0] }: Extract<Block, { kind: 'table' }>): string {
  const longest = head.map((_, i) => Math.max(...rows.map((row) => [...(row[i] ?? '')].length)));
  const named = (i: number): string => {
    if (!left.includes(i)) return '';
    return (longest[i] ?? 0) > WRAPPED ? ' class="left wide"' : ' class="left"';
  };
  const cell = (name: 'th' | 'td') => (content: string, i: number) =>
    `<${name}${named(i)}>${escapeHtml(content)}</${name}>`;
  const lines = rows.map((row) => element('tr', {}, ...row.map(cell('td'))));
  return element(
    'div',
    { class: 'scroll' },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...head.map(cell('th')))),
      element('tbody', {}, ...lines),
    ),
  );
}

const tile = ([name, value, more]: readonly [string, string, string]): string =>
  element(
    'div',
    {},
    element('dt', {}, escapeHtml(name)),
    element('dd', { class: 'value' }, escapeHtml(value)),
    element('dd', { class: 'more' }, escapeHtml(more)),
  );

function finding({ level, code, text, advice, where }: Finding): string {
  const place = where === undefined ? '' : ` <span class="source">${escapeHtml(where)}</span>`;
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  return element(
    'li',
    { class: level },
    `<span class="level">${escapeHtml(level)}</span> <code>${escapeHtml(code)}</code>${place}<br>`,
    `${escapeHtml(sentence)} ${escapeHtml(advice)}`,
  );
}

function assumption({ what, value, source, verified }: Assumption): string {
  const open = verified ? '' : ' <span class="unverified">(unverified)</span>';
  return (
    element('dt', {}, escapeHtml(what)) +
    `<dd>${escapeHtml(value)}${open}<br><span class="source">${escapeHtml(source)}</span></dd>`
  );
}
