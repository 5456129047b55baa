// Owns: which neurons can be challenged, and what each claims. Does not own: which tasks follow (assign.ts).
import type { Neuron, Subnet } from '../chain/chain.js';
import { toHex } from '../model/bytes.js';
import type { Hotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import { SESSION_LIMITS } from '../protocol/limits.js';
import type { MinerPeer } from '../protocol/session.js';
import { LIVENESS } from '../verification/proof.js';

export interface Claim {
  readonly index: number;
  readonly worker: string;
  readonly kind: string;
  /** lower-case hex of 32 bytes */
  readonly paramsId: string;
  /** somebody uses the slot, so the miner says: it is not asked what it can do, and that pays nothing */
  readonly leased?: boolean | undefined;
}

/** What is heard of declared maintenance while miners describe themselves. */
export interface RosterMaintenance {
  /** before its claims are looked at */
  hear(miner: Hotkey, statements: readonly Uint8Array[]): void;
  isAway(miner: Hotkey, worker: string): boolean;
}

export interface Miner {
  readonly neuron: Neuron;
  readonly peer: MinerPeer;
  /** the miner's answer; its last one where none comes in time, [] where there never was one */
  readonly claims: Promise<readonly Claim[]>;
}

/** What each miner said last, by hotkey and axon: silence must not be a way out of being challenged. */
export type ClaimBook = Map<string, readonly Claim[]>;

/** Neurons with an axon, other than the validator and the subnet's owner. */
export function candidates(subnet: Subnet, self: Hotkey): Neuron[] {
  return subnet.neurons.filter(
    ({ axon, hotkey }) => axon !== undefined && hotkey !== self && hotkey !== subnet.ownerHotkey,
  );
}

/** Neurons that claimed a slot, as far as anybody heard, which `asks` picks: the others need not be called for it. */
export function claimants(
  { claims, subnet }: { readonly claims: ClaimBook; readonly subnet: Pick<Subnet, 'neurons'> },
  asks: (miner: Hotkey, claim: Claim) => boolean,
): Neuron[] {
  return subnet.neurons.filter((neuron) =>
    (claims.get(placeOf(neuron)) ?? []).some((claim) => asks(neuron.hotkey, claim)),
  );
}

const placeOf = ({ hotkey, axon }: Neuron): string => (axon ? `${hotkey} ${axon.ip}:${axon.port}` : hotkey);

/**
 * Asks every candidate for its claims at once; nobody waits for anybody else.
 * @param input.until an answer that comes later is only noted for the next time
 */
export function roster(
  parts: {
    peerOf: (neuron: Neuron) => MinerPeer;
    claims: ClaimBook;
    maintenance?: RosterMaintenance | undefined;
    log: Log;
  },
  input: { subnet: Subnet; self: Hotkey; until: Promise<void> },
  signal: AbortSignal,
): Miner[] {
  return candidates(input.subnet, input.self).flatMap((neuron) => {
    const peer = reach(neuron);
    return peer ? [{ neuron, peer, claims: ask(neuron, peer) }] : [];
  });

  async function ask(neuron: Neuron, peer: MinerPeer): Promise<readonly Claim[]> {
    const key = placeOf(neuron);
    const answered = peer.describe(signal).then(
      ({ slots, maintenance }) => {
        parts.maintenance?.hear(neuron.hotkey, maintenance);
        parts.claims.set(key, [...toClaims(slots), ...away(neuron.hotkey, key, slots)]);
      },
      (error: unknown) => {
        parts.log.info('miner did not describe itself', { uid: neuron.uid, hotkey: neuron.hotkey, error });
      },
    );
    await Promise.race([answered, input.until]);
    return parts.claims.get(key) ?? [];
  }

  /** What a worker in maintenance claimed last holds: it would be absent, and not in maintenance, if it were not listed. */
  function away(miner: Hotkey, key: string, now: readonly Pick<Claim, 'index' | 'kind'>[]): Claim[] {
    const { maintenance, claims } = parts;
    const listed = new Set(now.map(doorOf));
    return (claims.get(key) ?? [])
      .filter((claim) => !listed.has(doorOf(claim)) && maintenance?.isAway(miner, claim.worker))
      .slice(0, SESSION_LIMITS.slotsPerMiner);
  }

  /** Anybody may announce any address: one that we must not call costs its own miner the event, and nobody else. */
  function reach(neuron: Neuron): MinerPeer | undefined {
    try {
      return parts.peerOf(neuron);
    } catch (error) {
      parts.log.info('miner cannot be called', { uid: neuron.uid, hotkey: neuron.hotkey, error });
      return undefined;
    }
  }
}

const sortOf = (kind: string): 'liveness' | 'other' => (kind === LIVENESS ? 'liveness' : 'other');
/** A check is beside the slot that it is for, under the same index. */
const doorOf = ({ kind, index }: Pick<Claim, 'index' | 'kind'>): string => `${sortOf(kind)} ${index}`;

function toClaims(
  slots: readonly {
    index: number;
    worker: string;
    kind: string;
    paramsId: Uint8Array;
    leased?: boolean | undefined;
  }[],
): Claim[] {
  const claims = new Map<string, Claim>();
  const counts = { liveness: 0, other: 0 };
  for (const { index, worker, kind, paramsId, leased } of slots) {
    const sort = sortOf(kind);
    if (counts[sort]++ >= SESSION_LIMITS.slotsPerMiner) continue;
    const key = doorOf({ kind, index });
    if (
      paramsId.length === 32 &&
      kind.length <= SESSION_LIMITS.kindChars &&
      worker.length <= SESSION_LIMITS.workerTagChars &&
      !claims.has(key)
    )
      claims.set(key, { index, worker, kind, paramsId: toHex(paramsId), ...(leased ? { leased } : {}) });
  }
  return [...claims.values()];
}
