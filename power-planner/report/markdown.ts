import { type Block, documentOf, type Section } from './document.ts';
import type { Report } from './gather.ts';

/** The report as Markdown: the same texts and tables; a picture is its caption, its figures stand in the tables. */
export function reportMarkdown(report: Report): string {
  const { title, sections } = documentOf(report);
  return `# ${escapeMarkdown(title)}: power plan\n\n${sections.map(section).join('\n')}`;
}

/** Text that Markdown shows as it is, on one line. */
export function escapeMarkdown(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\`*_[\]<>|~&]/g, (character) => `\\${character}`)
    .replace(/^([-+#=]|\d+[.)](?=\s))/, (start) => `${start.slice(0, -1)}\\${start.slice(-1)}`);
}

const section = ({ title, blocks }: Section): string =>
  `## ${escapeMarkdown(title)}\n\n${blocks.map((block) => `${shown(block)}\n`).join('\n')}`;

function shown(block: Block): string {
  switch (block.kind) {
    case 'text':
      return escapeMarkdown(block.text);
    case 'picture':
      return `*${escapeMarkdown(block.caption)}*`;
    case 'list':
      return items(block.items.map(escapeMarkdown));
    case 'table':
      return table(block.head, block.rows, block.left ?? [0]);
    case 'figures':
      return table(['', '', ''], block.rows, [0, 1, 2]);
    case 'findings':
      return items(
        block.findings.map(({ level, code, text, advice, where }) => {
          const place = where === undefined ? '' : ` (${escapeMarkdown(where)})`;
          return `**${level}** \`${code}\`${place}: ${escapeMarkdown(`${text}. ${advice}`)}`;
        }),
      );
    case 'assumptions':
      return items(
        block.assumptions.map(({ what, value, source, verified }) => {
          const open = verified ? '' : ' *(unverified)*';
          return `**${escapeMarkdown(what)}**: ${escapeMarkdown(value)}${open}; ${escapeMarkdown(source)}`;
        }),
      );
  }
}

const items = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

function table(head: readonly string[], rows: readonly (readonly string[])[], left: readonly number[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  const rule = `| ${head.map((_, i) => (left.includes(i) ? '---' : '---:')).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
