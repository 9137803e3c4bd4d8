/**
 * As much of HTML as pages of a switch need: elements, attributes, text. Linear in the length of the page, whatever it
 * holds, and never throws.
 */

export interface HtmlElement {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: (HtmlElement | string)[];
}

/** What an element must have, all of it. */
export interface HtmlWish {
  readonly tag?: string;
  readonly id?: string;
  readonly class?: string;
  readonly name?: string;
}

const VOID: ReadonlySet<string> = new Set(['area', 'br', 'col', 'hr', 'img', 'input', 'link', 'meta', 'source']);
/** Their content is no markup. */
const RAW: ReadonlySet<string> = new Set(['script', 'style', 'textarea', 'title']);
/** Deeper nesting is hung up on the last level: no page of a switch comes near it. */
const MOST_DEPTH = 100;

/** The page as a tree below an element without a name. */
export function parseHtml(page: string): HtmlElement {
  const root: HtmlElement = { tag: '', attributes: {}, children: [] };
  const open: HtmlElement[] = [root];
  const lower = page.toLowerCase();
  let at = 0;
  while (at < page.length) {
    const less = page.indexOf('<', at);
    const textEnd = less < 0 ? page.length : less;
    if (textEnd > at) open.at(-1)?.children.push(page.slice(at, textEnd));
    if (less < 0) break;
    if (page.startsWith('<!--', less)) {
      const end = page.indexOf('-->', less + 4);
      at = end < 0 ? page.length : end + 3;
      continue;
    }
    const end = tagEnd(page, less + 1);
    at = end + 1;
    const raw = takeTag(open, page.slice(less + 1, end));
    if (raw !== undefined) at = rawEnd(lower, at, raw);
  }
  return root;
}

/** Opens or closes an element. Returns its name where its content is no markup. */
function takeTag(open: HtmlElement[], text: string): string | undefined {
  const name = /^\/?[a-z][a-z0-9:-]*/i.exec(text)?.[0].toLowerCase();
  if (name === undefined) return undefined;
  if (name.startsWith('/')) {
    const at = open.findLastIndex(({ tag }) => tag === name.slice(1));
    if (at > 0) open.splice(at);
    return undefined;
  }
  const element = { tag: name, attributes: attributesOf(text.slice(name.length)), children: [] };
  open.at(-1)?.children.push(element);
  if (RAW.has(name)) return name;
  if (!VOID.has(name) && !text.endsWith('/') && open.length < MOST_DEPTH) open.push(element);
  return undefined;
}

/** Where the tag ends that begins before `at`: its `>` outside of quotes. */
function tagEnd(page: string, at: number): number {
  let quote = '';
  for (let index = at; index < page.length; index += 1) {
    const each = page[index] ?? '';
    if (quote !== '') quote = each === quote ? '' : quote;
    else if (each === '"' || each === "'") quote = each;
    else if (each === '>') return index;
  }
  return page.length;
}

function rawEnd(lower: string, at: number, name: string): number {
  const end = lower.indexOf(`</${name}`, at);
  return end < 0 ? lower.length : end;
}

function attributesOf(text: string): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = Object.create(null);
  for (const [, name = '', quoted, single, bare] of text.matchAll(
    /([^\s"'=/>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=>]+)))?/g,
  ))
    attributes[name.toLowerCase()] ??= decoded(quoted ?? single ?? bare ?? '');
  return attributes;
}

const ENTITIES: Readonly<Record<string, string>> = { nbsp: ' ', amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const decoded = (text: string): string =>
  text.replace(/&(?:#(\d{1,6})|([a-z]{2,4}));/gi, (whole, code, name) =>
    code === undefined ? (ENTITIES[String(name).toLowerCase()] ?? whole) : String.fromCharCode(Number(code)),
  );

/** All elements below this one that have what is wished, in the order of the page. */
export function elements(within: HtmlElement, wish: HtmlWish): HtmlElement[] {
  return within.children.flatMap((child) =>
    typeof child === 'string' ? [] : [...(matches(child, wish) ? [child] : []), ...elements(child, wish)],
  );
}

function matches({ tag, attributes }: HtmlElement, wish: HtmlWish): boolean {
  if (wish.tag !== undefined && tag !== wish.tag) return false;
  if (wish.id !== undefined && attributes.id !== wish.id) return false;
  if (wish.name !== undefined && attributes.name !== wish.name) return false;
  return wish.class === undefined || (attributes.class ?? '').split(/\s+/).includes(wish.class);
}

/** The text below an element: one line, without spaces around it. */
export function textOf(element: HtmlElement | undefined): string {
  if (element === undefined) return '';
  const text = element.children.map((child) => (typeof child === 'string' ? decoded(child) : textOf(child))).join(' ');
  return text.replace(/\s+/g, ' ').trim();
}
