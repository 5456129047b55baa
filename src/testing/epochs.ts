// Owns: following a subnet until enough epochs ran on weights that all its validators set in time.
import type { ChainReader, Head, Subnet } from '../chain/chain.js';
import { alreadySetThisEpoch } from '../chain/weights.js';
import type { Netuid, Uid } from '../model/ids.js';

export interface EpochsInput {
  readonly netuid: Netuid;
  readonly judges: readonly { readonly name: string; readonly uid: Uid }[];
  readonly paidEpochs: number;
  /** Rows are committed, and count an epoch later than they are set. @default false */
  readonly commitReveal?: boolean;
  /** Sees every snapshot; `counting` within an epoch that can count, with `paid` epochs behind it. */
  readonly onSubnet?: (now: Subnet, paid: number, counting: boolean) => void;
}

export interface Epochs {
  /** epochs that ran on weights of every judge */
  readonly paid: number;
  /** the chain's index of the epoch in which the last of those weights were set */
  readonly lastEpoch: number;
  /** what the epochs assigned to the owner's uid, rao: incentive of an owner is burned */
  readonly burnedRao: bigint;
  /** where a judge's weights changed twice in one epoch */
  readonly setTwice: readonly string[];
}

/** Epochs beyond the paid ones before giving up: setting up takes one or two. */
export const SPARE_EPOCHS = 5;
/** Commits are opened by a round of the beacon some blocks after their epoch began. */
const REVEAL_BLOCKS = 12;

/** @throws what reading the chain throws */
export async function watchEpochs(
  parts: { chain: Pick<ChainReader, 'subnet' | 'watchHeads'>; say: (line: string) => void },
  input: EpochsInput,
  signal: AbortSignal,
): Promise<Epochs> {
  const { chain, say } = parts;
  const { netuid, judges, paidEpochs, commitReveal = false } = input;
  const done = new AbortController();
  /** blocks of LastUpdate by judge and epoch */
  const updates = new Map<string, Set<number>>();
  const setTwice: string[] = [];
  let first: Subnet | undefined;
  let last: Subnet | undefined;
  let permits = false;
  let countedFrom = Number.POSITIVE_INFINITY;
  /** epochs whose rows count, where every judge set one */
  const complete = new Set<number>();
  let paid = 0;
  let lastEpoch = 0;
  let burnedRao = 0n;
  let reading: Promise<void> | undefined;
  let failure: unknown;

  const onSubnet = (now: Subnet) => {
    first ??= now;
    if (!permits && judges.every(({ uid }) => now.neurons[uid]?.validatorPermit)) {
      permits = true;
      countedFrom = now.block === first.block ? now.block : now.lastEpochBlock;
      say(
        `block ${now.block}: the validators have their permits since epoch ${now.epochIndex}: events begin`,
      );
    }
    if (last && now.epochIndex > last.epochIndex) noteEpoch(now, last);
    else for (const { name, uid } of judges) noteWeights(now, now, name, uid);
    last = now;
    input.onSubnet?.(now, paid, now.lastEpochBlock >= countedFrom);
    const revealed = !commitReveal || now.block >= now.lastEpochBlock + REVEAL_BLOCKS;
    if (paid >= paidEpochs && revealed) done.abort();
    if (now.epochIndex - first.epochIndex >= paidEpochs + SPARE_EPOCHS) done.abort();
  };

  /** `now` may lie in the next epoch already: its last update then still tells of the one before. */
  function noteWeights(epoch: Subnet, now: Subnet, name: string, uid: Uid): void {
    if (!alreadySetThisEpoch({ neurons: now.neurons, lastEpochBlock: epoch.lastEpochBlock }, uid)) return;
    const { lastUpdate } = now.neurons[uid]!;
    if (now.epochIndex > epoch.epochIndex && lastUpdate >= now.lastEpochBlock) return;
    const key = keyOf(name, epoch.epochIndex);
    const seen = updates.get(key) ?? new Set();
    if (seen.has(lastUpdate)) return;
    say(`block ${lastUpdate}: weights of ${name} are on the chain`);
    if (seen.size === 1) setTwice.push(key);
    updates.set(key, seen.add(lastUpdate));
  }

  function noteEpoch(now: Subnet, before: Subnet): void {
    for (const { name, uid } of judges) noteWeights(before, now, name, uid);
    if (now.ownerUid !== undefined) burnedRao += now.neurons[now.ownerUid]!.emissionRao;
    if (before.lastEpochBlock < countedFrom) return; // begun before everybody was there: it may lack events
    if (!judges.every(({ name }) => updates.has(keyOf(name, before.epochIndex)))) {
      say(`block ${now.lastEpochBlock}: epoch ${now.epochIndex} ran without weights of every validator`);
      return;
    }
    complete.add(before.epochIndex);
    lastEpoch = before.epochIndex;
    if (!complete.has(before.epochIndex - (commitReveal ? 1 : 0))) {
      say(
        `block ${now.lastEpochBlock}: epoch ${now.epochIndex} begins; the first commits are revealed in it`,
      );
      return;
    }
    paid++;
    say(`block ${now.lastEpochBlock}: epoch ${now.epochIndex} paid on weights: ${paid} of ${paidEpochs}`);
  }

  const onHead = (head: Head) => {
    reading ??= chain
      .subnet(netuid, head.hash)
      .then(onSubnet)
      .catch((error: unknown) => {
        failure = error;
        done.abort();
      })
      .finally(() => {
        reading = undefined;
      });
  };
  await chain.watchHeads(onHead, AbortSignal.any([signal, done.signal]));
  await reading;
  if (failure) throw failure;
  return { paid, lastEpoch, burnedRao, setTwice };
}

const keyOf = (name: string, epoch: number): string => `${name} in epoch ${epoch}`;
