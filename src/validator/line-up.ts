// Owns: in which order one instant reaches the sessions that wait for it. Does not own: when it is (validator.ts).

/** Sessions that wait for one block. */
export interface LineUp<T> {
  /** Resolves with `start`, or rejects with it; whoever comes later goes at once. */
  enter(address: string): Promise<T>;
}

/**
 * Signing and handing over a frame takes some 0.1 ms: over thousands of slots that adds up to more than slots that share a
 * device may be apart. Those of one address follow one another at once, so that their windows are the same to within a
 * hundredth (64 slots: 6 ms).
 */
export function createLineUp<T>(start: Promise<T>): LineUp<T> {
  interface Place {
    readonly address: string;
    readonly go: () => void;
  }
  let places: Place[] | undefined = [];
  const leave = () => {
    const inOrder = places!.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    places = undefined;
    for (const { go } of inOrder) go();
  };
  start.then(leave, leave);
  return {
    enter: async (address) => {
      const waiting = places;
      if (waiting) await new Promise<void>((go) => waiting.push({ address, go }));
      return start;
    },
  };
}
