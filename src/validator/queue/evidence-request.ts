// Owns: what a request for evidence says and how it is known to come from one of ours. Does not own: who serves it
// (evidence-door.ts), who asks (evidence-fetch.ts).
import { utf8 } from '../../model/bytes.js';
import { isQueueMark, type QueueKey, queueMark } from './queue-key.js';

export const EVIDENCE_PATH = '/evidence/';
/** Of the asker's clock and ours: a request that somebody overheard is of use to nobody for longer. */
const WINDOW_MS = 120_000;

/** What `authorization` says for a path at a time. */
export const authorizationOf = (key: QueueKey, path: string, nowMs: number): string =>
  `Assay ${nowMs}:${Buffer.from(markOf(key, path, nowMs)).toString('hex')}`;

/** @returns why it is refused; undefined where it is one of ours */
export function whyRefused(
  key: QueueKey,
  { path, authorization, nowMs }: { path: string; authorization: string | undefined; nowMs: number },
): string | undefined {
  const parsed = /^Assay (\d{1,15}):([0-9a-f]{64})$/.exec(authorization ?? '');
  if (!parsed) return 'not signed by the queue key';
  const sentMs = Number(parsed[1]);
  if (!isQueueMark(markOf(key, path, sentMs), Buffer.from(parsed[2]!, 'hex')))
    return 'signed by another queue key';
  return Math.abs(nowMs - sentMs) > WINDOW_MS ? 'the clocks of the two hosts differ by minutes' : undefined;
}

const markOf = (key: QueueKey, path: string, nowMs: number): Uint8Array =>
  queueMark(key, 'evidence request', utf8(`GET ${path}`), utf8(`${nowMs}`));
