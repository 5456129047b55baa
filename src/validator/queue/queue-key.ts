// Owns: the key that a scheduler and its workers share, and what carries a mark under it. Does not own: what is marked (job.ts).
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { link, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { utf8 } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { isExposed } from '../../model/exposed.js';
import { errnoOf, foundInstead, invalid } from '../../model/invalid-input.js';

export const QUEUE_KEY_BYTES = 32;

/** 32 bytes. Whoever has it can say what a verdict was. */
export type QueueKey = Uint8Array & { readonly __queueKey: true };

/** HMAC-SHA256 of the parts under the key, each part with its length: 32 bytes. @param label what is marked, so that a mark of one thing is none of another */
export function queueMark(key: QueueKey, label: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', key);
  for (const part of [utf8(label), ...parts]) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(part.length));
    hmac.update(length).update(part);
  }
  return hmac.digest();
}

/** In constant time. */
export const isQueueMark = (expected: Uint8Array, got: Uint8Array): boolean =>
  expected.length === got.length && timingSafeEqual(expected, got);

/** @throws RangeError */
export function toQueueKey(bytes: Uint8Array): QueueKey {
  if (bytes.length !== QUEUE_KEY_BYTES)
    throw new RangeError(`queue key: expected ${QUEUE_KEY_BYTES} bytes, got ${bytes.length}`);
  return bytes as QueueKey;
}

/**
 * The key in a file of 32 bytes that nobody else may read.
 * @param make makes one where there is none: the scheduler's to do, a worker is given it
 * @throws AssayError `invalid-input` when the file is none, or others may read it
 */
export async function openQueueKey(path: string, { make }: { readonly make: boolean }): Promise<QueueKey> {
  if (make) await makeKey(path);
  const wanted = `a file of ${QUEUE_KEY_BYTES} bytes that its owner alone may read (mode 0600)`;
  const file = await open(path, 'r').catch((error: unknown) => {
    throw invalid('queue key', wanted, `${path}: ${foundInstead(error)}`, error);
  });
  try {
    const { size, mode, uid } = await file.stat();
    if (size !== QUEUE_KEY_BYTES) throw invalid('queue key', wanted, `${path}, ${size} bytes`);
    if (isExposed({ mode, uid }))
      throw invalid('queue key', wanted, `${path}, mode 0${(mode & 0o777).toString(8)}`);
    const key = Buffer.alloc(QUEUE_KEY_BYTES);
    const { bytesRead } = await file.read(key, 0, key.length, 0);
    if (bytesRead !== key.length)
      throw new AssayError('corrupt', `${path}: shorter than it was`, { path, why: 'shorter than it was' });
    return toQueueKey(key);
  } finally {
    await file.close();
  }
}

/** By a link: two that begin at once have the same key, and nobody ever reads half of one. */
async function makeKey(path: string): Promise<void> {
  const own = `${path}.${randomBytes(8).toString('hex')}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(own, 'wx', 0o600);
  try {
    await file.writeFile(randomBytes(QUEUE_KEY_BYTES));
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(own, path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  } finally {
    await rm(own, { force: true });
  }
}
