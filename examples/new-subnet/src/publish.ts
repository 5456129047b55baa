// Owns: the owner's word on the chain: which parameter file and policy count, by their digests, and from which epoch on.
// Does not own: what the files say (subnet.ts), handing them out (miner.ts).
import { type connectSubtensor, setCommitment } from 'assay/chain';
import type { Keypair } from 'assay/keys';
import { sha256, toNetuid } from 'assay/model';
import { publicationsOf } from 'assay/validator';
import { encodePublication, nextPublication, type Publication } from 'assay/verification';
import { parameterFile, policyFile } from './subnet.js';

type Chain = Awaited<ReturnType<typeof connectSubtensor>>;

/**
 * Replaces whatever else the owner's hotkey had committed to.
 * @param ownerHotkey of the subnet, as the chain knows it
 * @param epochsAhead how long validators have to fetch the files; 0 for a first publication, before anybody validates
 * @returns the first epoch in which these files count alone: in the one before it those of before count too
 * @throws AssayError as `submit`; `invalid-input` in an epoch in which two count
 */
export async function publishFiles(
  chain: Chain,
  ownerHotkey: Keypair,
  netuid: number,
  epochsAhead: number,
): Promise<number> {
  const subnet = toNetuid(netuid);
  const { epochIndex, weightsVersionKey, ownerHotkey: owner } = await chain.subnet(subnet);
  if (owner !== ownerHotkey.address)
    throw new Error(`subnet ${netuid} is owned by hotkey ${owner}, and this one is ${ownerHotkey.address}`);
  const present = await publicationsOf(chain).publication(subnet, owner);
  const files = {
    parameters: sha256(parameterFile),
    policy: sha256(policyFile),
    firstEpoch: epochIndex + epochsAhead,
    versionKey: weightsVersionKey,
  };
  const next: Publication =
    present === undefined
      ? { ...files, previous: NOTHING }
      : nextPublication(present, { ...files, now: epochIndex, replace: true });
  await chain.submit(ownerHotkey, setCommitment(subnet, [{ kind: 'raw', bytes: encodePublication(next) }]));
  return next.firstEpoch + 1;
}

/** What counted before: no file, the kinds that each build of Assay brings. */
const NOTHING = new Uint8Array(32);
