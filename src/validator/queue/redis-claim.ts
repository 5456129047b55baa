// Owns: whose queue a Redis holds: one key, marked by the queue's key, that the scheduler writes and workers read. Does not own: jobs.
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { fromHex, toHex, utf8 } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import { AssayError, unsupported } from '../../model/errors.js';
import { toHotkey } from '../../model/ids.js';
import { assertStamp, type Deployment, JOB_FORMAT, type Stamp } from './job.js';
import { isQueueMark, type QueueKey, queueMark } from './queue-key.js';

const CLAIM = z.strictObject({
  format: z.int(),
  build: z.string().max(64),
  genesis: z.string().regex(/^[0-9a-f]{64}$/),
  netuid: z.int(),
  hotkey: z.string().max(64),
  mark: z.string().regex(/^[0-9a-f]{64}$/),
});
const MAX_CLAIM_BYTES = 1024;

export interface Claimed {
  readonly prefix: string;
  readonly key: QueueKey;
}

const claimKey = (prefix: string): string => `${prefix}:claim`;

/** Where Bull keeps this deployment's jobs; another form or build of them is another queue, so that nobody is given what it cannot read. */
export const queueKeys = (prefix: string, { deployment, build }: Stamp) => ({
  prefix: `${prefix}:${deployment.netuid}-${deployment.genesis.slice(0, 8)}-${deployment.hotkey.slice(0, 8)}`,
  name: queueName(JOB_FORMAT, build),
});
const queueName = (format: number, build: string): string => `verify-${format}-${build}`;

/**
 * Makes the queue ours, or finds that it is.
 * @returns the name of the queue of an earlier build of ours, whose jobs are to be dropped: they are added again from where they are kept
 * @throws AssayError `invalid-input` where it is another deployment's, `unauthenticated` where it is another key's, `unsupported`
 * where a newer form is kept there; what a connection says, as it comes
 */
export async function claimQueue(
  client: Redis,
  { prefix, key }: Claimed,
  own: Stamp,
): Promise<{ readonly older: string | undefined }> {
  const text = sealed(key, own);
  if ((await client.set(claimKey(prefix), text, 'NX')) !== null) return { older: undefined };
  const found = await client.get(claimKey(prefix));
  if (found === null) return claimQueue(client, { prefix, key }, own); // it was lost between the two
  if (found === text) return { older: undefined };
  const { format, stamp } = read(found, { prefix, key });
  assertStamp('this Redis', { ...stamp, build: own.build }, own);
  if (format > JOB_FORMAT) throw otherFormat(format);
  await client.set(claimKey(prefix), text);
  return { older: queueName(format, stamp.build) };
}

/**
 * Whose jobs a worker is to take.
 * @returns undefined while no scheduler has come
 * @throws as `claimQueue`; `unsupported` for a scheduler of another build
 */
export async function readClaim(
  client: Redis,
  { prefix, key }: Claimed,
  build: string,
): Promise<Deployment | undefined> {
  const found = await client.get(claimKey(prefix));
  if (found === null) return undefined;
  const { format, stamp } = read(found, { prefix, key });
  if (format !== JOB_FORMAT) throw otherFormat(format);
  assertStamp('the scheduler', stamp, { ...stamp, build });
  return stamp.deployment;
}

const otherFormat = (format: number) =>
  unsupported('this Redis', `holds jobs of format ${format}, and this build reads format ${JOB_FORMAT}`);

function sealed(key: QueueKey, { build, deployment }: Stamp): string {
  const claim = { format: JOB_FORMAT, build, ...deployment };
  return canonicalJson({ ...claim, mark: toHex(markOf(key, claim)) });
}

function read(text: string, { prefix, key }: Claimed): { readonly format: number; readonly stamp: Stamp } {
  const parsed = text.length > MAX_CLAIM_BYTES ? undefined : CLAIM.safeParse(jsonOf(text)).data;
  const refuse = (reason: string) => new AssayError('unauthenticated', reason, { reason });
  if (!parsed) throw refuse(`what Redis has under ${claimKey(prefix)} is no claim of a queue of ours`);
  const { mark, ...claim } = parsed;
  if (!isQueueMark(markOf(key, claim), fromHex(mark)))
    throw refuse(
      `the queue under the prefix ${prefix} is marked by another queue key, for netuid ${claim.netuid}: use that key, or another prefix (--redis-prefix)`,
    );
  const { format, build, genesis, netuid, hotkey } = claim;
  return { format, stamp: { build, deployment: { genesis, netuid, hotkey: toHotkey(hotkey) } } };
}

const markOf = (key: QueueKey, claim: object): Uint8Array =>
  queueMark(key, 'claim', utf8(canonicalJson(claim)));

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
