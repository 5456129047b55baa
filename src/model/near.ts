// Owns: whether a name is a slip of another, for errors that say what was meant. Does not own: which names there are.

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

const plain = (text: string): string => text.toLowerCase().replaceAll(/[-_]/g, '');

const pairsOf = (text: string): Set<string> =>
  new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => text.slice(i, i + 2)));
