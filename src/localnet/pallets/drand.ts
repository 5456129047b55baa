// Owns: the beacon of this chain and its rounds in storage (subtensor pallet drand). On the main network off-chain workers
// bring drand's rounds with unsigned calls; here the chain publishes those of a beacon of its own as time passes.
// Does not own: the signatures (chain/codec/timelock.ts), who locks what to a round.
import { commitments } from '../../chain/codec/pallets/commitments.js';
import { drand } from '../../chain/codec/pallets/drand.js';
import { subtensor } from '../../chain/codec/pallets/subtensor.js';
import { createLocalBeacon, type LocalBeacon, roundAt } from '../../chain/codec/timelock.js';
import { equals, utf8 } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { type BlockContext, badOrigin, ensureRoot, type Handlers } from '../dispatch.js';
import { LIMITS } from '../limits.js';
import type { State } from '../state.js';

const C = commitments.storage;
const D = drand.storage;
const S = subtensor.storage;
/** `MAX_REMOVED_PULSES` */
const MAX_REMOVED = 100n;

export const drandHandlers: Handlers<'Drand'> = {
  write_pulse() {
    throw badOrigin(); // only ever sent unsigned, which nobody can here
  },
  set_beacon_config({ config_payload }, { origin, state, block, emit }) {
    ensureRoot(origin);
    state.put(D.BeaconConfig, [], config_payload.config);
    state.put(D.NextUnsignedAt, [], block + 1);
    emit({ pallet: 'Drand', name: 'BeaconConfigChanged', data: [] });
  },
  set_oldest_stored_round({ oldest_round }, { origin, state, emit }) {
    ensureRoot(origin);
    state.put(D.OldestStoredRound, [], oldest_round);
    emit({ pallet: 'Drand', name: 'SetOldestStoredRound', data: [oldest_round] });
  },
};

/** What a chain publishes the rounds of. */
export interface Beacon extends LocalBeacon {
  readonly periodSeconds: number;
}

/** @throws RangeError for a period of which one block would see more rounds than it may sign */
export function createBeacon(
  blockTimeMs: number,
  options: { readonly seed?: string; readonly periodSeconds?: number } = {},
): Beacon {
  const { seed = 'assay localnet', periodSeconds = Math.max(1, Math.floor(blockTimeMs / 4000)) } = options;
  const least = Math.max(1, Math.ceil(blockTimeMs / 1000 / LIMITS.roundsPerBlock));
  if (!Number.isInteger(periodSeconds) || periodSeconds < least || periodSeconds > 0xffff_ffff)
    throw new RangeError(
      `beacon.periodSeconds: expected an integer of at least ${least}, got ${periodSeconds}`,
    );
  return { ...createLocalBeacon(seed), periodSeconds };
}

/** A chain that follows no beacon yet follows this one, from the block's time on. */
function install(state: State, { publicKey, periodSeconds }: Beacon, unixMs: number): void {
  const hash = sha256(publicKey);
  state.put(D.BeaconConfig, [], {
    public_key: publicKey,
    period: periodSeconds,
    genesis_time: Math.floor(unixMs / 1000),
    hash,
    group_hash: hash,
    scheme_id: utf8('bls-unchained-g1-rfc9380'),
    metadata: { beacon_id: utf8('localnet') },
  });
}

/**
 * `write_pulse` for the rounds that came out since the last block, the oldest first. After a pause there may be thousands:
 * a few at a time. Those that would be forgotten again at once are left out, but for those that something stored is
 * locked to: on the main network they would have come in their time.
 *
 * @param unixMs of the block
 */
export function publishRounds({ state, block, emit }: BlockContext, beacon: Beacon, unixMs: number): void {
  if (!state.has(D.BeaconConfig)) install(state, beacon, unixMs);
  const config = state.get(D.BeaconConfig);
  // another beacon's rounds are not ours to sign
  if (!equals(config.public_key, beacon.publicKey)) return;
  const timing = { periodSeconds: config.period, genesisSeconds: config.genesis_time };
  const newest = roundAt(timing, unixMs);
  const last = Number(state.get(D.LastStoredRound));
  if (newest <= last) return;
  const first = Math.max(last + 1, newest - LIMITS.keptRounds + 1);
  const skipped = first > last + 1 ? awaitedRounds(state, last + 1, first - 1) : [];
  const rounds = skipped.slice(0, LIMITS.roundsPerBlock).map(BigInt);
  if (rounds.length === skipped.length) {
    const until = Math.min(newest, first + LIMITS.roundsPerBlock - 1);
    for (let round = first; round <= until; round++) rounds.push(BigInt(round));
  }
  for (const round of rounds) {
    const signature = beacon.sign(Number(round));
    state.put(D.Pulses, [round], { round, randomness: sha256(signature), signature });
  }
  const until = rounds.at(-1)!; // newer than the last one, so there is one
  state.put(D.LastStoredRound, [], until);
  if (state.get(D.OldestStoredRound) === 0n) state.put(D.OldestStoredRound, [], rounds[0]!);
  prune(state, until);
  state.put(D.NextUnsignedAt, [], block);
  emit({ pallet: 'Drand', name: 'NewPulse', data: { rounds } });
}

/** Rounds from `first` to `last` that waiting commits and commitments are locked to, ascending. */
function awaitedRounds(state: State, first: number, last: number): number[] {
  const rounds = new Set<number>();
  const add = (round: bigint): void => {
    if (round >= first && round <= last) rounds.add(Number(round));
  };
  for (const [index, epoch] of state.keys(S.TimelockedWeightCommits))
    for (const [, , , round] of state.get(S.TimelockedWeightCommits, index, epoch)) add(round);
  for (const [netuid, who] of state.get(C.TimelockedIndex))
    for (const field of state.get(C.CommitmentOf, netuid, who)?.info.fields ?? [])
      if (field.type === 'TimelockEncrypted') add(field.value.reveal_round);
  return [...rounds].sort((a, b) => a - b);
}

/** `prune_old_pulses`, which there never meets a round that something still waits to be opened by. */
function prune(state: State, last: bigint): void {
  const oldest = state.get(D.OldestStoredRound);
  const excess = last - oldest + 1n - BigInt(LIMITS.keptRounds);
  if (oldest === 0n || excess <= 0n) return;
  const end = oldest + (excess < MAX_REMOVED ? excess : MAX_REMOVED);
  const [awaited] = awaitedRounds(state, Number(oldest), Number(end) - 1);
  const until = awaited === undefined ? end : BigInt(awaited);
  for (let round = oldest; round < until; round++) state.delete(D.Pulses, round);
  state.put(D.OldestStoredRound, [], until);
}
