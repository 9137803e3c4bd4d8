/** Whether a topic filter (`+`, `#`) covers a topic. Filters that begin with a wildcard do not cover `$` topics. */
export function covers(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && !filter.startsWith('$')) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [at, level] of wanted.entries()) {
    if (level === '#') return true;
    if (at >= levels.length || (level !== '+' && level !== levels[at])) return false;
  }
  return wanted.length === levels.length;
}

/** An order's topic `<root>/<kind>/<id>/set/<what>`, taken apart; nothing when it is none. */
export function orderTopic(
  root: string,
  topic: string,
): { readonly kind: string; readonly id: string; readonly what: string } | undefined {
  if (!topic.startsWith(`${root}/`) || topic.length > MOST_TOPIC) return undefined;
  const [kind = '', id = '', set, what = '', ...more] = topic.slice(root.length + 1).split('/');
  return set === 'set' && what !== '' && more.length === 0 ? { kind, id, what } : undefined;
}

const MOST_TOPIC = 256;
