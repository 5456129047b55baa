// Owns: traces as a seam: spans, and what of one travels to the other end. Does not own: who collects them (cli/tracing.ts).

/** One piece of work, from `start` to `end`. */
export interface Span {
  /** What the other end may hang its own under: a W3C traceparent; undefined where nothing is traced. */
  readonly traceparent: string | undefined;
  /** Values of our own; of a peer's bytes nothing. */
  set(name: string, value: string | number | boolean): void;
  /** The first time counts. @param error where the work failed */
  end(error?: unknown): void;
}

export interface Tracer {
  /** @param parent a traceparent, our own or a peer's that `toTraceparent` took: it says what belongs together, and is believed in nothing else */
  start(
    name: string,
    about?: Readonly<Record<string, string | number | boolean>>,
    parent?: string | undefined,
  ): Span;
}

const NO_SPAN: Span = { traceparent: undefined, set() {}, end() {} };
/** What costs nothing. */
export const noTracer: Tracer = { start: () => NO_SPAN };

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Of what a peer sent: 55 characters of one form, or undefined. */
export const toTraceparent = (text: unknown): string | undefined =>
  typeof text === 'string' && text.length === 55 && TRACEPARENT.test(text) ? text : undefined;

/** Work within a span, which ends with it. */
export async function traced<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    const value = await work();
    span.end();
    return value;
  } catch (error) {
    span.end(error);
    throw error;
  }
}
