// Owns: making sure of what was signed before: the same bytes again, unless a block has them. Does not own: signing anew,
// which is a decision (validator).
import type { GenericMortalEra } from '@polkadot/types';
import { toHex } from '../../model/bytes.js';
import { withTimeout } from '../../model/clock.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import type { Landed, Signed } from '../chain.js';
import type { ChainLimits } from '../limits.js';
import { retryRead } from '../with-retry.js';
import { nameOf } from './calls.js';
import type { Connection } from './connection.js';
import { rejected, unreachable } from './errors.js';
import {
  type Fate,
  type FateParts,
  findFate,
  lookOnce,
  type SignedExtrinsic,
  sendAndFollow,
} from './fate.js';
import { readIncluded, type SubmitParts } from './submit.js';

/** A pool that answers so has the bytes, or had them until shortly before: a block may have them soon. */
const KNOWN_TO_POOL: ReadonlySet<string> = new Set([
  'AlreadyImported',
  'TemporarilyBanned',
  'TooLowPriority',
]);

/**
 * @throws AssayError `chain-rejected` when they failed in their block, or can be in none; `timeout` when that is not known
 *   in time, `unreachable` without a node
 */
export async function resend({ connection, parts }: SubmitParts, signed: Signed): Promise<Landed> {
  const { call, ...extrinsic } = inspect(connection, signed);
  const name = nameOf(call);
  const fateParts = { ...parts, connection };
  const sought = { ...extrinsic, call: name };
  const included = async (blockHash: string): Promise<Landed> => {
    const sent = { hex: sought.hex, hash: signed.hash };
    const found = await retryRead(parts, name, () => readIncluded(connection, sent, blockHash, call));
    return { block: found.block, blockHash: found.blockHash, extrinsicHash: found.extrinsicHash };
  };

  const before = await look(fateParts, sought);
  if (before === 'never') throw rejected(name, 'AncientBirthBlock');
  if (before !== 'absent') return included(before.blockHash);

  const following = await sendOrFind(fateParts, sought);
  try {
    const late = () =>
      new AssayError('timeout', `${name} is in no block yet`, {
        what: `inclusion of ${name}`,
        afterMs: parts.limits.inclusionTimeoutMs,
      });
    const { clock, limits } = parts;
    return await included(await withTimeout(clock, limits.inclusionTimeoutMs, following.included, late));
  } finally {
    following.stop();
  }
}

/** The block that has it, once there is one. A pool's refusal counts only when no block has it either. */
async function sendOrFind(
  parts: LookParts,
  extrinsic: SignedExtrinsic,
): Promise<{ readonly included: Promise<string>; stop(): void }> {
  try {
    return await sendAndFollow(parts, extrinsic);
  } catch (error) {
    if (!isAssayError(error, 'chain-rejected')) throw error;
    if (!KNOWN_TO_POOL.has(error.data.error)) {
      const found = await look(parts, extrinsic);
      if (typeof found !== 'object') throw error;
      return { included: Promise.resolve(found.blockHash), stop: () => {} };
    }
    const over = new AbortController();
    const included = findFate(parts, extrinsic, {}, over.signal).then((fate) => {
      if (typeof fate === 'object') return fate.blockHash;
      throw rejected(extrinsic.call, 'AncientBirthBlock');
    });
    included.catch(() => {}); // awaited by resend(), perhaps after its time is over
    return { included, stop: () => over.abort() };
  }
}

type LookParts = FateParts & { readonly limits: Pick<ChainLimits, 'readRetryForMs'> };

/** One pass over the blocks that there are. @throws AssayError `unreachable` after as long as a read is tried again */
async function look(parts: LookParts, extrinsic: SignedExtrinsic): Promise<Fate> {
  const { connection, clock, limits } = parts;
  const over = new AbortController();
  const late = () =>
    unreachable(connection.url, new Error(`no look into blocks in ${limits.readRetryForMs} ms`));
  try {
    const looking = lookOnce(parts, extrinsic, over.signal);
    const fate = await withTimeout(clock, limits.readRetryForMs, looking, late);
    if (fate === undefined) throw late();
    return fate;
  } finally {
    over.abort();
  }
}

/** What the search needs: from what was kept, else from the bytes, which only the runtime they are of can read. */
function inspect({ api }: Connection, { bytes, deathBlock, birthBlock, call: kept }: Signed) {
  const hex = `0x${toHex(bytes)}`;
  const [, keptPallet, keptName] = /^(\w+)\.(\w+)$/.exec(kept ?? '') ?? [];
  if (birthBlock !== undefined && keptPallet !== undefined && keptName !== undefined)
    return { hex, from: birthBlock + 1, death: deathBlock, call: { pallet: keptPallet, name: keptName } };
  let extrinsic: ReturnType<typeof decode>;
  try {
    extrinsic = decode(api, hex);
  } catch (cause) {
    throw new AssayError(
      'invalid-input',
      'not a signed extrinsic of this chain',
      { what: 'signed extrinsic', expected: 'bytes of this chain’s runtime', got: `${bytes.length} bytes` },
      { cause },
    );
  }
  const { era, method } = extrinsic;
  const birth = (era.asMortalEra as unknown as GenericMortalEra).birth(deathBlock - 1); // what the registry makes of it
  const pallet = method.section.charAt(0).toUpperCase() + method.section.slice(1);
  return { hex, from: birth + 1, death: deathBlock, call: { pallet, name: method.meta.name.toString() } };
}

const decode = ({ registry }: Connection['api'], hex: string) => registry.createType('Extrinsic', hex);
