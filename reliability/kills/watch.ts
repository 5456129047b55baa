// Owns: what the chain shows of an epoch's weights, block by block of the finalised chain, and when each block was seen. Does not own: why.
import type { ChainReader, Head } from '../../src/chain/chain.js';
import type { Netuid, Uid } from '../../src/model/ids.js';

export interface EpochSeen {
  readonly epoch: number;
  readonly first: number;
  last: number;
  /** by validator: blocks in which the chain took a row of it */
  readonly sets: Map<string, number[]>;
  /** validators that had their permit in every block of it */
  readonly permitted: Set<string>;
}

export interface Watched {
  /** those of which every block was seen, oldest first */
  epochs(): readonly EpochSeen[];
  /** our clock when the block was the head, or the next one that was seen; undefined before the first and after the last */
  seenAt(block: number): number | undefined;
  readonly head: number;
}

/** Runs until aborted. */
export function watchWeights(
  parts: {
    readonly chain: Pick<ChainReader, 'subnet' | 'watchBlocks' | 'watchHeads'>;
    readonly now: () => number;
  },
  input: {
    readonly netuid: Netuid;
    readonly from: number;
    readonly judges: readonly { readonly name: string; readonly uid: Uid }[];
  },
  signal: AbortSignal,
): { readonly watched: Watched; readonly done: Promise<void> } {
  const { chain, now } = parts;
  const seen: EpochSeen[] = [];
  const heads: (readonly [block: number, at: number])[] = [];

  const onHead = ({ number }: Head) => {
    if (number > (heads.at(-1)?.[0] ?? -1)) heads.push([number, now()]);
  };
  const onBlock = async ({ number, hash }: Head) => {
    const { neurons, epochIndex: epoch } = await chain.subnet(input.netuid, hash);
    let current = seen.at(-1);
    if (current?.epoch !== epoch) {
      const all = input.judges.map(({ name }) => name);
      current = { epoch, first: number, last: number, sets: new Map(), permitted: new Set(all) };
      seen.push(current);
    }
    current.last = number;
    for (const { name, uid } of input.judges) {
      const neuron = neurons[uid];
      if (!neuron?.validatorPermit) current.permitted.delete(name);
      if (neuron?.lastUpdate !== number || neuron.registeredAt === number) continue;
      current.sets.set(name, [...(current.sets.get(name) ?? []), number]);
    }
  };
  const done = Promise.all([
    chain.watchHeads(onHead, signal),
    chain.watchBlocks(input.from, onBlock, signal),
  ]).then(() => {});
  return {
    done,
    watched: {
      epochs: () => seen.slice(1, -1),
      seenAt: (block) => heads.find(([number]) => number >= block)?.[1],
      get head() {
        return heads.at(-1)?.[0] ?? 0;
      },
    },
  };
}
