// Owns: whose round it is at an event, from chain state alone. Does not own: rounds (meetings.ts).
import type { Subnet } from '../chain/chain.js';
import { compare, utf8 } from '../model/bytes.js';
import { sha256 } from '../model/hash.js';
import type { Hotkey } from '../model/ids.js';

const TURN = utf8('assay/1/round-turn');
/** Whoever has a permit and set no weights for so many epochs is taken not to validate. */
const IDLE_EPOCHS = 3;

/**
 * Holders of a permit that validate, as the chain shows it: `LastUpdate` is the block of the last weights or of the registration.
 * Weights may be set less often than once an epoch where the subnet's rate limit is longer than that. Where nobody sets any, on a
 * subnet that begins, all that hold a permit.
 */
export function turnHolders(
  subnet: Pick<
    Subnet,
    'neurons' | 'block' | 'lastEpochBlock' | 'nextEpochBlock' | 'tempo' | 'weightsRateLimit'
  >,
): Hotkey[] {
  const { neurons, block, lastEpochBlock, nextEpochBlock, tempo, weightsRateLimit } = subnet;
  const epochBlocks = nextEpochBlock === undefined ? tempo + 1 : nextEpochBlock - lastEpochBlock;
  const idleBlocks = IDLE_EPOCHS * epochBlocks + weightsRateLimit;
  const permitted = neurons.filter(({ validatorPermit }) => validatorPermit);
  const validating = permitted.filter(({ lastUpdate }) => block - lastUpdate <= idleBlocks);
  return (validating.length > 0 ? validating : permitted).map(({ hotkey }) => hotkey);
}

/**
 * Whose round it is at an event: slots that all measure with one another cannot do so for two validators at once. Drawn from
 * the event, so that all agree and nobody knows long before: each draws, and the lowest has it. So whoever joins or leaves the
 * others changes nothing between them, and two that see one more or less agree all the same unless it is that one's turn.
 * @param validators 32-byte public keys of all that take turns, in any order
 */
export function turnOf(eventId: Uint8Array, validators: readonly Uint8Array[]): Uint8Array | undefined {
  let lowest: { readonly key: Uint8Array; readonly draw: Uint8Array } | undefined;
  for (const key of validators) {
    const draw = sha256(TURN, eventId, key);
    if (!lowest || compare(draw, lowest.draw) < 0) lowest = { key, draw };
  }
  return lowest?.key;
}
