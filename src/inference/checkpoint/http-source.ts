// Owns: a store's files as any web server hands them out: `objects/<sha256>` under one address. Does not own: whether they are the
// right ones, which who asked finds by digest and size.
import { toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import type { Source } from './store.js';

export type HttpGet = (url: string, init: { readonly signal: AbortSignal }) => Promise<Response>;

/** A server that sends nothing for so long is given up: the next place is asked, or the next way taken. */
const SILENT_MS = 30_000;

/**
 * @param base of a store's folder, e.g. `https://trainer.example/checkpoints`
 * @throws from `get`, and while it is read, AssayError `unreachable` where the server cannot be asked, fails or falls silent
 */
export function createHttpSource(
  base: string,
  {
    get = fetch,
    silentMs = SILENT_MS,
  }: { readonly get?: HttpGet | undefined; readonly silentMs?: number | undefined } = {},
): Source {
  const root = base.replace(/\/+$/, '');
  return {
    async get(digest, signal) {
      const url = `${root}/objects/${toHex(digest)}`;
      const silence = new AbortController();
      const timer = setTimeout(() => silence.abort(), silentMs);
      const failed = (cause: unknown): unknown => {
        if (signal.aborted) return signal.reason;
        const why = silence.signal.aborted ? `silent for ${silentMs} ms` : 'cannot be asked';
        return new AssayError('unreachable', `${url}: ${why}`, { address: url }, { cause });
      };
      let response: Response;
      try {
        response = await get(url, { signal: AbortSignal.any([signal, silence.signal]) });
      } catch (error) {
        clearTimeout(timer);
        throw failed(error);
      }
      const { body, status, ok } = response;
      if (ok && body) return piecesOf(body, { timer, failed });
      clearTimeout(timer);
      await body?.cancel().catch(() => {}); // nobody reads what a refusal says
      if (status === 404 || status === 410) return undefined;
      throw new AssayError('unreachable', `${url}: answered with status ${status}`, { address: url });
    },
  };
}

async function* piecesOf(
  body: ReadableStream<Uint8Array>,
  { timer, failed }: { readonly timer: NodeJS.Timeout; readonly failed: (cause: unknown) => unknown },
): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of body) {
      timer.refresh();
      yield piece;
      timer.refresh(); // how long whoever asked took to write it down is not the server's silence
    }
  } catch (error) {
    throw failed(error);
  } finally {
    clearTimeout(timer);
  }
}

/** The first that has a file gives it; one that cannot be asked is passed over where another has it. */
export const firstOf = (sources: readonly Source[]): Source => ({
  async get(digest, signal) {
    let failure: unknown;
    for (const source of sources)
      try {
        const pieces = await source.get(digest, signal);
        if (pieces) return pieces;
      } catch (error) {
        signal.throwIfAborted();
        failure ??= error;
      }
    if (failure !== undefined) throw failure;
    return undefined;
  },
});
