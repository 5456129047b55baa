// Owns: scores of the epoch to one row on the chain, once per epoch as the chain counts it, read back.
// Does not own: the scores (scoring), the row's form (chain/weights).
import type { ChainReader, ChainWriter, Landed, Subnet, WeightRow } from '../chain/chain.js';
import { alreadySetThisEpoch, canSetWeights, toWeightRow } from '../chain/weights.js';
import type { Keypair } from '../keys/keypair.js';
import { AssayError } from '../model/errors.js';
import type { Hotkey, Netuid, Uid } from '../model/ids.js';
import type { Log } from '../model/log.js';

export type Publication =
  | { readonly done: 'set'; readonly landed: Landed; readonly row: WeightRow }
  | { readonly done: 'already-set' }
  | { readonly done: 'not-possible'; readonly reason: string; readonly atBlock?: number };

/**
 * Decides from chain state alone whether this epoch's weights are still to be set, so that a restart neither forgets
 * nor repeats them.
 * @throws AssayError when the send failed; the next call decides anew
 */
export async function publish(
  parts: {
    reader: Pick<ChainReader, 'subnet' | 'weights' | 'head'>;
    writer: Pick<ChainWriter, 'setWeights'>;
    keypair: Keypair;
    log: Log;
  },
  input: {
    netuid: Netuid;
    self: Hotkey;
    /** the chain's epoch index that was scored: its weights must not be taken for the next one's */
    epoch: number;
    /** what each hotkey proved, with the owner's share of what was not proven */
    scores: (subnet: Subnet) => ReadonlyMap<Hotkey, number>;
  },
): Promise<Publication> {
  const { reader, log } = parts;
  const [head, subnet] = await Promise.all([reader.head(), reader.subnet(input.netuid)]);
  if (subnet.epochIndex !== input.epoch) return { done: 'not-possible', reason: 'epoch-passed' };
  const uid = ownUid(subnet, input.self);
  if (alreadySetThisEpoch(subnet, uid)) return { done: 'already-set' };
  const possible = canSetWeights({ subnet, uid, block: Math.max(head.number, subnet.block) + 1 });
  if (!possible.ok) {
    const { reason, atBlock } = possible;
    return { done: 'not-possible', reason, ...(atBlock === undefined ? {} : { atBlock }) };
  }
  const earlier = await reader.weights(input.netuid, uid);
  const { row, dropped } = toWeightRow({ scores: input.scores(subnet), subnet, earlier });
  if (dropped.length > 0) log.info('scores of hotkeys that are no longer registered', { dropped });
  if (row.length === 0)
    return { done: 'not-possible', reason: 'nobody scored and the owner is not registered' };
  const landed = await parts.writer.setWeights(parts.keypair, input.netuid, row, subnet.weightsVersionKey);
  return { done: 'set', landed, row };
}

/** @throws AssayError `chain-unknown` when the hotkey is not registered */
export function ownUid(subnet: Subnet, self: Hotkey): Uid {
  const own = subnet.neurons.find(({ hotkey }) => hotkey === self);
  if (own) return own.uid;
  const what = `neuron ${self} on subnet ${subnet.netuid}`;
  throw new AssayError('chain-unknown', `${what}: not registered`, { what });
}
