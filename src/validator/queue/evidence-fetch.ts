// Owns: one piece of evidence from the scheduler's door, of its length and digest or not at all. Does not own: the door.
import { toHex } from '../../model/bytes.js';
import type { Clock } from '../../model/clock.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { authorizationOf, EVIDENCE_PATH } from './evidence-request.js';
import type { QueueKey } from './queue-key.js';

/** The door ends an answer after a minute; one that says nothing has lost its host. */
const ANSWER_MS = 75_000;
/** The scheduler is being restarted, or too much is on its way. */
const TRIES = 5;
const PAUSE_MS = 1_000;

export interface WantedEvidence {
  /** lower-case hex of the SHA-256 */
  readonly digest: string;
  readonly bytes: number;
}

export type FetchEvidence = (wanted: WantedEvidence, signal: AbortSignal) => Promise<Uint8Array>;

/**
 * Nothing is kept: each job is verified once, and what a thread of ours has it gives back.
 * @param parts.url of the door, http or https
 * @returns bytes with a buffer of their own; throws AssayError `evidence-expired` when the door does not have it,
 *   `permission-denied` when it refuses us, `unreachable` when it cannot be asked, `corrupt` when what came is not what was asked for
 */
export function evidenceFrom({
  url,
  key,
  clock,
  get = fetch,
}: {
  readonly url: string;
  readonly key: QueueKey;
  readonly clock: Clock;
  readonly get?: typeof fetch;
}): FetchEvidence {
  const address = new URL(url).origin;
  const base = url.replace(/\/$/, '');

  return async (wanted, signal) => {
    for (let tried = 1; ; tried++)
      try {
        return await once(wanted, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (tried >= TRIES || !isAssayError(error, 'unreachable')) throw error;
        await clock.sleep(PAUSE_MS * tried, signal);
        signal.throwIfAborted();
      }
  };

  async function once({ digest, bytes }: WantedEvidence, signal: AbortSignal): Promise<Uint8Array> {
    const path = `${EVIDENCE_PATH}${digest}`;
    const until = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    const away = (cause: unknown) =>
      new AssayError('unreachable', `no evidence from ${address}`, { address }, { cause });
    try {
      const response = await get(`${base}${path}`, {
        headers: { authorization: authorizationOf(key, path, clock.now()) },
        redirect: 'error',
        signal: until,
      });
      if (response.status === 200) return await bodyOf(response, { digest, bytes });
      const why = (await textOf(response)).trim();
      if (response.status === 410)
        throw new AssayError('evidence-expired', `evidence ${digest} is gone: ${why}`, { outcome: digest });
      if (response.status === 403)
        throw new AssayError('permission-denied', `${address} refused us: ${why}`, { reason: why });
      throw away(new Error(`status ${response.status}: ${why}`));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error instanceof AssayError ? error : away(error);
    }
  }
}

async function bodyOf(response: Response, { digest, bytes }: WantedEvidence): Promise<Uint8Array> {
  const wrong = (why: string) =>
    new AssayError('corrupt', `evidence ${digest}: ${why}`, { path: digest, why });
  const body = new Uint8Array(bytes);
  let at = 0;
  for await (const part of response.body ?? []) {
    if (at + part.length > bytes) throw wrong(`more than ${bytes} bytes came`);
    body.set(part, at);
    at += part.length;
  }
  if (at !== bytes) throw wrong(`${at} bytes came, expected ${bytes}`);
  if (toHex(sha256(body)) !== digest) throw wrong('what came has another digest');
  return body;
}

/** One line of why. */
async function textOf(response: Response): Promise<string> {
  let text = '';
  for await (const part of response.body ?? []) {
    text += Buffer.from(part)
      .toString('latin1')
      .replace(/[^\x20-\x7e\n]/g, '?');
    if (text.length > 256) break;
  }
  return text.slice(0, 256);
}
