// Owns: one piece of evidence from the scheduler's door, of its length and digest or not at all. Does not own: the door.
import { once } from 'node:events';
import { Agent, get as httpGet, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, get as tlsGet } from 'node:https';
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
}: {
  readonly url: string;
  readonly key: QueueKey;
  readonly clock: Clock;
}): FetchEvidence {
  const isTls = url.startsWith('https:');
  // one connection for each job in hand, and no more are ever open
  const agent = isTls ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const get = isTls ? tlsGet : httpGet;
  const address = new URL(url).origin;
  const base = url.replace(/\/$/, '');

  return async (wanted, signal) => {
    for (let tried = 1; ; tried++)
      try {
        return await ask(wanted, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (tried >= TRIES || !isAssayError(error, 'unreachable')) throw error;
        await clock.sleep(PAUSE_MS * tried, signal);
        signal.throwIfAborted();
      }
  };

  async function ask({ digest, bytes }: WantedEvidence, signal: AbortSignal): Promise<Uint8Array> {
    const path = `${EVIDENCE_PATH}${digest}`;
    const away = (cause: unknown) =>
      new AssayError('unreachable', `no evidence from ${address}`, { address }, { cause });
    try {
      const headers = { authorization: authorizationOf(key, path, clock.now()) };
      const asked = get(`${base}${path}`, { agent, headers, signal });
      // `timeout` ends no request by itself, and knows nothing of one that trickles
      const late = setTimeout(() => asked.destroy(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
      asked.once('close', () => clearTimeout(late));
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      if (response.statusCode === 200) return await bodyOf(response, { digest, bytes });
      const why = (await textOf(response)).trim();
      if (response.statusCode === 410)
        throw new AssayError('evidence-expired', `evidence ${digest} is gone: ${why}`, { outcome: digest });
      if (response.statusCode === 403)
        throw new AssayError('permission-denied', `${address} refused us: ${why}`, { reason: why });
      throw away(new Error(`status ${response.statusCode}: ${why}`));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error instanceof AssayError ? error : away(error);
    }
  }
}

async function bodyOf(response: IncomingMessage, { digest, bytes }: WantedEvidence): Promise<Uint8Array> {
  const wrong = (why: string) =>
    new AssayError('corrupt', `evidence ${digest}: ${why}`, { path: digest, why });
  const body = new Uint8Array(bytes);
  let at = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    if (at + part.length > bytes) throw wrong(`more than ${bytes} bytes came`);
    body.set(part, at);
    at += part.length;
  }
  if (at !== bytes) throw wrong(`${at} bytes came, expected ${bytes}`);
  if (toHex(sha256(body)) !== digest) throw wrong('what came has another digest');
  return body;
}

/** One line of why. */
async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of response as AsyncIterable<Buffer>) {
    text += part.toString('latin1').replace(/[^\x20-\x7e\n]/g, '?');
    if (text.length > 256) break;
  }
  return text.slice(0, 256);
}
