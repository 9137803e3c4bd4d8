/** The known names that a mistyped one may have meant, nearest first, at most three. */
export function nearNames(typed: string, known: readonly string[]): readonly string[] {
  const wanted = typed.slice(0, 64).toLowerCase();
  return known
    .map((name) => ({
      name,
      distance: name.includes(wanted) && wanted.length > 1 ? 1 : edits(wanted, name.toLowerCase()),
    }))
    .filter(({ name, distance }) => distance <= Math.max(2, name.length / 3))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Levenshtein distance. */
function edits(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let at = 1; at <= b.length; at += 1) {
      const replaced = (previous[at - 1] ?? 0) + (a[row - 1] === b[at - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[at] ?? 0) + 1, (current[at - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
