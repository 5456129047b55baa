// Owns: keeping the most telling of many, in bounded memory: hotkeys that act as one are pairs by the square of their number. Does not
// own: what tells.

/** Of each look at a class; more would be read by nobody. */
export const MOST_KEPT = 500;

export interface Rarest<T> {
  /** @param weight the larger the sooner it is kept */
  add(each: T, weight: number): void;
  /** the heaviest first; of equals those that came first */
  kept(): readonly T[];
  /** all that were added */
  count(): number;
}

export function createRarest<T>(most = MOST_KEPT): Rarest<T> {
  const some: { readonly each: T; readonly weight: number }[] = [];
  let count = 0;
  const cut = (): void => {
    some.sort((x, y) => y.weight - x.weight);
    some.splice(most);
  };
  return {
    add(each, weight) {
      count++;
      some.push({ each, weight });
      if (some.length >= 2 * most) cut();
    },
    kept() {
      cut();
      return some.map(({ each }) => each);
    },
    count: () => count,
  };
}
