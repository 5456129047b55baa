// Owns: under whose parameters a miner claims its slots, and when it changes over. Does not own: which count and where files
// come from (parameters), what a slot does (slot.ts), devices.
import type { ChainReader, Head, Subnet } from '../chain/chain.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import type { FilePeer } from '../parameters/fetch.js';
import { createParameters, type ParametersParts, RETRY_BLOCKS } from '../parameters/parameters.js';
import { filePeers } from '../parameters/peers.js';
import type { SessionParts } from '../protocol/session.js';
import type { KindsByName, ParameterSet } from '../verification/parameter-file.js';
import { BUILT_IN, type Source } from '../verification/publication.js';
import { assertDistinct, doorOf, isClaimed, type Slot } from './slot.js';

/** The slots of this host under the sets of one file. */
export interface SlotsUnder {
  /** each index at most once, and its check */
  readonly slots: readonly Slot[];
  /** those that the file has no set for */
  readonly resting: readonly { readonly slot: string; readonly why: string }[];
}

/** Slots that follow what the subnet's owner publishes. */
export interface FollowedSlots {
  readonly parameters: ParametersParts;
  readonly kinds: KindsByName;
  under(sets: readonly ParameterSet[]): SlotsUnder;
  /** Another number when `under` would say something else than before: slots come with hosts. @default it never would */
  revision?(): number;
}

export interface Claiming {
  /** what Describe says */
  claimed(): readonly Slot[];
  /** what an Arm may name: also what was claimed a moment ago, and what else counts now */
  answered(): readonly Slot[];
  /** Those that would be claimed and rest. */
  resting(): readonly Slot[];
  content(digest: Uint8Array): Uint8Array | undefined;
  /** Called for each head. @throws AssayError the first time, when the chain cannot be read */
  onHead(head: Head): Promise<void>;
  /** Resolves when nothing is being fetched. */
  settled(): Promise<void>;
}

/**
 * Of the epoch in which old and new both count: a validator without the new file judges the old sets to its end. No event begins
 * in its last blocks, so that whoever changes over there is challenged by all until then, and by all after it.
 */
const CHANGE_BLOCKS = 4;
/** A publication is looked for at each epoch, and after so many blocks: as often as validators do. */
const LOOK_BLOCKS = 25;

export function followParameters(
  parts: SessionParts & { readonly reader: Pick<ChainReader, 'subnet'>; readonly followed: FollowedSlots },
  { netuid, self }: { readonly netuid: Netuid; readonly self: Hotkey },
  signal: AbortSignal,
): Claiming {
  const { reader, log, followed } = parts;
  const parameters = createParameters(
    { parameters: followed.parameters, kinds: followed.kinds, log },
    { netuid },
  );
  const made = new Map<Source, SlotsUnder>();
  let madeFor: number | undefined;
  let subnet: Subnet | undefined;
  let claimed: readonly Slot[] = [];
  let answered: readonly Slot[] = [];
  let said = '';
  let step: Promise<void> | undefined;

  const peers = (): FilePeer[] => filePeers(parts, { netuid, subnet: subnet!, self }); // asked after a look

  async function look(head: Head): Promise<void> {
    const isDue =
      !subnet ||
      head.number >= Math.min(subnet.nextEpochBlock ?? Number.POSITIVE_INFINITY, subnet.block + LOOK_BLOCKS);
    if (isDue) {
      const now = await reader.subnet(netuid, head.hash);
      subnet = now;
      await parameters.look({ subnet: now, hash: head.hash }, peers, signal);
    } else if (head.number % RETRY_BLOCKS === 0) parameters.retry(peers, signal);
    choose(subnet!, head.number); // read above, or before
  }

  function underOf(source: Source): SlotsUnder | undefined {
    const known = made.get(source);
    const sets = known ? undefined : parameters.setsOf(source);
    if (!sets) return known;
    const under = followed.under(sets);
    assertDistinct(under.slots);
    made.set(source, under);
    return under;
  }

  /** Also of sources that counted a moment ago: a validator may arm by them still. */
  function makeAnew(): void {
    const revision = followed.revision?.();
    if (revision === madeFor) return;
    madeFor = revision;
    const sources = [...made.keys()];
    made.clear();
    for (const source of sources) underOf(source);
  }

  function choose({ epochIndex: epoch, nextEpochBlock }: Subnet, head: number): void {
    makeAnew();
    const counting = parameters.counting(epoch);
    const isEnding = nextEpochBlock !== undefined && nextEpochBlock - head <= CHANGE_BLOCKS;
    const order = isEnding ? counting : [...counting].reverse();
    const here = order.flatMap((source) => underOf(source) ?? []);
    const next = new Map<string, Slot>();
    for (const { slots } of here)
      for (const slot of slots) if (!next.has(doorOf(slot.claim))) next.set(doorOf(slot.claim), slot);
    claimed = [...next.values()].sort((a, b) => a.claim.index - b.claim.index);
    // a validator may have asked just before, and arms by what it heard
    const lately = [...new Set([...counting, ...parameters.counting(epoch - 1)])];
    for (const source of made.keys()) if (!lately.includes(source)) made.delete(source);
    answered = [...made.values()].flatMap(({ slots }) => slots);
    say(epoch, order, here);
  }

  /** Once for each change: what is claimed, and what is not and why. */
  function say(epoch: number, order: readonly Source[], here: readonly SlotsUnder[]): void {
    const { whyNot } = parameters.status(epoch);
    const isClaimed = new Set(claimed.map(({ claim }) => claim.index));
    const { resting = [] } = here[0] ?? {};
    const now = JSON.stringify([order, here.length, whyNot, [...isClaimed]]);
    if (now === said) return;
    const isFirst = said === '';
    said = now;
    if (whyNot !== undefined)
      log.warn('no slot is claimed: parameters that count are not here', { epoch, reason: whyNot });
    else if (!isFirst || order[0] !== BUILT_IN)
      log.info('slots are claimed', {
        epoch,
        slots: claimed.length,
        parameters: order.filter((source) => made.has(source)),
      });
    for (const { slot, why } of resting)
      log.warn('a slot rests: the parameters that count have no set for it', {
        slot,
        why,
        claimed: isClaimed.size,
      });
  }

  return {
    claimed: () => claimed.filter(isClaimed),
    answered: () => answered.filter(isClaimed),
    resting: () => claimed.filter((slot) => !isClaimed(slot)),
    content: parameters.bytesOf,
    onHead(head) {
      const isFirst = subnet === undefined;
      step ??= look(head)
        .catch((error: unknown) => {
          if (isFirst) throw error;
          log.warn('parameters not looked at, the last known ones hold', { error });
        })
        .finally(() => {
          step = undefined;
        });
      return step;
    },
    settled: parameters.settled,
  };
}
