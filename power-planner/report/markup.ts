/** Text to HTML, and the few elements a report is made of. Whatever comes from a scenario goes through here. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What XML cannot hold at all. */
const UNPRINTABLE = /(?![\t\n\r])[\p{Cc}\p{Cs}]/gu;

/** Text as HTML that shows exactly it, also inside an attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(UNPRINTABLE, '�').replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

const SHAPES: ReadonlySet<string> = new Set(['line', 'path', 'rect', 'circle']);

export type Attributes = Readonly<Record<string, string | number>>;

/** An element; attribute values are escaped, children are markup already. Numbers come with one digit after the point. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${written(value)}"`);
  // Only shapes may close themselves: an empty <li/> would swallow the rest of the page.
  if (SHAPES.has(name)) return `<${name}${pairs.join('')}/>`;
  return `<${name}${pairs.join('')}>${children.join('')}</${name}>`;
}

export const written = (value: string | number): string =>
  typeof value === 'string' ? escapeHtml(value) : String(Math.round(value * 10) / 10);
