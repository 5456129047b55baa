// Owns: how a receiver shares its own link among its sources. Does not own: links, credit.

/** How far a source may be ahead of the median of those that still send. */
const AHEAD = 1.25;
const AHEAD_SEGMENTS = 2;

/**
 * Streams that meet in one queue get unequal shares of it, and the second-lowest of them is what counts (credit.ts): a source that is
 * ahead is not read for a while, and the others have its share. By the median, so that sources that are slow, or stall on purpose,
 * hold up nobody while they are fewer than half.
 */
export function createBalance(sources: number): {
  /** A segment of `source` is whole; its promise is open while the source is ahead. */
  received(source: number): Promise<void> | undefined;
  ended(source: number): void;
} {
  const counts = new Array<number>(sources).fill(0);
  const live = new Set(counts.keys());
  const held = new Map<number, () => void>();

  const limit = (): number => {
    const ascending = [...live].map((s) => counts[s]).sort((a, b) => a - b);
    return AHEAD * (ascending[(ascending.length - 1) >> 1] ?? 0) + AHEAD_SEGMENTS;
  };
  const letGo = (): void => {
    const most = limit();
    for (const [source, go] of held)
      if (counts[source] <= most || live.size <= held.size) {
        held.delete(source);
        go();
      }
  };

  return {
    received(source) {
      counts[source]++;
      const ahead = counts[source] > limit();
      letGo();
      if (!ahead) return undefined;
      return new Promise((resolve) => {
        held.set(source, resolve);
        letGo(); // never everybody at once
      });
    },
    ended(source) {
      live.delete(source);
      held.delete(source);
      letGo();
    },
  };
}
