// Owns: what the validator itself delayed: stalls of its event loop while a window was open. Does not own: what they excuse (dispatch.ts).

export interface OwnDelay {
  /**
   * Starts one observation. The returned function gives the longest stall so far, in ms, and ends the observation unless it
   * `goesOn`.
   */
  observe(): (goesOn?: boolean) => number;
}

/** What the loop is watched with: the process's own, or a test's. */
export interface LoopTimers {
  /** monotonic ms */
  now(): number;
  /** calls at the given distance until told to stop, and holds no process alive */
  every(ms: number, call: () => void): () => void;
  /** calls when this turn of the loop is over, unless told not to */
  nextTurn(call: () => void): () => void;
}

const RESOLUTION_MS = 5;

interface Observation {
  readonly since: number;
  /** the first beat that counts whole; undefined before its first one */
  from?: number;
  longest: number;
}

/**
 * Stalls of an event loop beyond the period of one timer that all observations share: a round observes each of its sessions,
 * and a histogram for each would take 370 KB (measured) and a timer apiece.
 */
export function createLoopDelay({ now, every, nextTurn }: LoopTimers): OwnDelay {
  const open = new Set<Observation>();
  /** those that no beat has come for yet */
  const fresh = new Set<Observation>();
  /** beats and their stalls, each shorter than the one before: the first from a beat on is the longest since */
  let falling: { readonly beat: number; readonly stallMs: number }[] = [];
  let beats = 0;
  let lastAt = 0;
  let stop: (() => void) | undefined;

  const stall = (from: number, to: number): number => Math.max(0, to - from - RESOLUTION_MS);

  function beat(): void {
    const at = now();
    beats++;
    const stallMs = stall(lastAt, at);
    while (falling.length > 0 && falling.at(-1)!.stallMs <= stallMs) falling.pop();
    falling.push({ beat: beats, stallMs });
    for (const each of fresh) {
      each.from = beats + 1;
      each.longest = stall(each.since, at);
    }
    fresh.clear();
    lastAt = at;
  }

  function begin(): Observation {
    const since = now();
    if (!stop) {
      lastAt = since;
      falling = [];
      stop = every(RESOLUTION_MS, beat);
    }
    const observation = { since, longest: 0 };
    open.add(observation);
    fresh.add(observation);
    return observation;
  }

  /** What is going on counts: whoever asks may be the first that gets a turn after it. */
  function longestOf({ since, from, longest }: Observation): number {
    const underWay = stall(Math.max(since, lastAt), now());
    const whole = from === undefined ? 0 : (falling.find((each) => each.beat >= from)?.stallMs ?? 0);
    return Math.max(longest, underWay, whole);
  }

  return {
    observe() {
      let observation: Observation | undefined;
      let ended = 0;
      // what is left of this turn is the line in which our frames leave: times are measured from its end (line-up.ts)
      let forget = nextTurn(() => {
        observation = begin();
      });
      return (goesOn = false) => {
        if (observation) ended = longestOf(observation);
        if (goesOn) return ended;
        forget();
        forget = () => {};
        if (observation) {
          open.delete(observation);
          fresh.delete(observation);
          observation = undefined;
        }
        if (open.size === 0) {
          stop?.();
          stop = undefined;
        }
        return ended;
      };
    },
  };
}

/** Stalls of this process's event loop. */
export const eventLoopDelay: OwnDelay = createLoopDelay({
  now: () => performance.now(),
  every(ms, call) {
    const timer = setInterval(call, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
  nextTurn(call) {
    const immediate = setImmediate(call);
    return () => clearImmediate(immediate);
  },
});

/** For a virtual clock, under which nothing stalls. */
export const noDelay: OwnDelay = { observe: () => () => 0 };
