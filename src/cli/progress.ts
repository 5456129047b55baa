// Owns: one line on a terminal that says how far a long command is; nothing where standard error is no terminal, or one that cannot
// take a line back (TERM=dumb).

/** Redrawn no more often than this. */
const EVERY_MS = 100;
/** Rates over less than this say nothing. */
const SETTLED_MS = 500;

interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Where a line stands that is to be taken back before anything else is written to the terminal. */
let standing: ProgressStream | undefined;

/** Before a result, a question or an error: neither stands behind half a line. */
export function eraseProgress(): void {
  standing?.write('\r\x1b[K');
  standing = undefined;
}

const canDraw = (stream: ProgressStream): boolean => stream.isTTY === true && process.env['TERM'] !== 'dumb';

/** A line that went on below could not be taken back. */
function draw(stream: ProgressStream, text: string): void {
  const most = (stream.columns || 80) - 1;
  stream.write(`\r\x1b[K${text.length > most ? `${text.slice(0, most - 1)}…` : text}`);
  standing = stream;
}

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
  readonly stream?: ProgressStream;
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
  if (!canDraw(stream)) return { update: () => {}, end: () => {} };
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
      draw(stream, `${Math.floor(done)} of ${total} ${unit}${pace}`);
    },
    end: eraseProgress,
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
  if (!canDraw(stream)) return work();
  draw(stream, `${what} …`);
  try {
    return await work();
  } finally {
    eraseProgress();
  }
}

/** e.g. `42 s`, `3 min 20 s`, `2 h 5 min` */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
