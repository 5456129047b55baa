// Owns: one line on a terminal that says how far a long command is; nothing where standard error is no terminal.

/** Redrawn no more often than this. */
const EVERY_MS = 100;
/** Rates over less than this say nothing. */
const SETTLED_MS = 500;

export interface ProgressOptions {
  /** what is counted, such as `epochs` */
  readonly unit: string;
  readonly total: number;
  /**
   * done before this command began: not counted in the rate
   * @default 0
   */
  readonly already?: number;
  /** @default process.stderr */
  readonly stream?: { readonly isTTY?: boolean; write(text: string): unknown };
  /**
   * milliseconds
   * @default performance.now
   */
  readonly now?: () => number;
}

export interface Progress {
  /** @param done of `total`; a part of one counts in rate and time left */
  update(done: number): void;
  /** takes the line away */
  end(): void;
}

export function createProgress(options: ProgressOptions): Progress {
  const { unit, total, already = 0, stream = process.stderr, now = () => performance.now() } = options;
  if (stream.isTTY !== true) return { update: () => {}, end: () => {} };
  const began = now();
  let drawn = Number.NEGATIVE_INFINITY;

  return {
    update(done) {
      const time = now();
      if (time - drawn < EVERY_MS) return;
      drawn = time;
      const rate = ((done - already) / (time - began)) * 1000;
      const known = time - began >= SETTLED_MS && rate > 0;
      const pace = known
        ? `, ${Number(rate.toPrecision(3))} ${unit}/s, ${duration((total - done) / rate)} left`
        : '';
      stream.write(`\r\x1b[K${Math.floor(done)} of ${total} ${unit}${pace}`);
    },
    end() {
      stream.write('\r\x1b[K');
    },
  };
}

/**
 * Says what is being done while it is, where standard error is a terminal: for work whose size nobody knows.
 * @param options.stream @default process.stderr
 */
export async function sayWhile<T>(
  what: string,
  work: () => Promise<T>,
  { stream = process.stderr }: Pick<ProgressOptions, 'stream'> = {},
): Promise<T> {
  if (stream.isTTY !== true) return work();
  stream.write(`\r\x1b[K${what} …`);
  try {
    return await work();
  } finally {
    stream.write('\r\x1b[K');
  }
}

/** e.g. `42 s`, `3 min 20 s`, `2 h 5 min` */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
