/** The known word nearest to what was written, when it is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const allowed = Math.max(2, Math.floor(word.length / 3));
  let found: string | undefined;
  let least = Math.min(allowed, Math.max(word.length - 2, 0)) + 1;
  for (const each of known) {
    const distance = changes(word.toLowerCase(), each.toLowerCase());
    if (distance < least) {
      least = distance;
      found = each;
    }
  }
  return found;
}

/** Letters to put in, take out or change until one word is the other. */
function changes(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    let left = i + 1;
    const next = [left];
    for (const [j, other] of [...b].entries()) {
      left = Math.min(left + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1));
      next.push(left);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
