// Owns: whether a name is a slip of another, for errors that say what was meant. Does not own: which names there are.

/** The rest of a longer name is not looked at: it was no slip. */
const MAX_LETTERS = 64;

/** Half of their pairs of letters in common, or one within the other; case and underscores aside. */
export function isNear(got: string, name: string): boolean {
  const [mine, its] = [plain(got), plain(name)];
  const shorter = mine.length < its.length ? mine : its;
  if (shorter.length >= 3 && (its.includes(mine) || mine.includes(its))) return true;
  const pairs = pairsOf(mine);
  const others = pairsOf(its);
  const common = [...others].filter((pair) => pairs.has(pair)).length;
  return common * 2 >= Math.max(pairs.size, others.size, 1);
}

/** A letter in four too many, missing, wrong, or swapped with the next one: one slip at least. */
export const isSlip = (got: string, name: string): boolean => {
  const edits = editsBetween(plain(got), plain(name));
  return edits > 0 && edits <= Math.max(1, Math.floor(name.length / 4));
};

/** Of the names that are near, the one that takes the fewest changes. */
export function nearest(got: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const name of names) {
    if (!isNear(got, name) && !isSlip(got, name)) continue;
    const edits = editsBetween(plain(got), plain(name));
    if (edits < fewest) [best, fewest] = [name, edits];
  }
  return best;
}

/** Letters to add, drop, change or swap with the next one. */
function editsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(row[j - 1]! + 1, last[j]! + 1, changed);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}

const plain = (text: string): string => text.slice(0, MAX_LETTERS).toLowerCase().replaceAll(/[-_]/g, '');

const pairsOf = (text: string): Set<string> =>
  new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => text.slice(i, i + 2)));
