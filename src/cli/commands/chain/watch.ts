// Owns: `assay chain watch`: what happens on a chain and in a subnet, as it comes. Does not own: riding out outages (chain).
import { z } from 'zod';
import type { ChainStatus, Head, Subnet } from '../../../chain/chain.js';
import type { BlockEvent } from '../../../chain/operator-reads.js';
import { AssayError, isAssayError } from '../../../model/errors.js';
import { type Netuid, toNetuid } from '../../../model/ids.js';
import { integerBetween, loadFlags } from '../../config.js';
import { hashText } from '../../facts.js';
import { type ChainClient, networkFlags, withChain } from '../../networks.js';
import { EXIT, print, printJson } from '../../output.js';
import { minedNetuidFlag } from './flags.js';
import { isOfSubnet } from './subnet-events.js';

type Seen =
  | { readonly is: 'head'; readonly block: number; readonly hash: Uint8Array }
  | { readonly is: 'reorganisation'; readonly block: number; readonly retracted: readonly Head[] }
  | { readonly is: 'finalised'; readonly block: number; readonly hash: Uint8Array }
  | {
      readonly is: 'epoch';
      readonly block: number;
      readonly netuid: number;
      readonly epoch: number;
      readonly next: number | undefined;
    }
  | ({ readonly is: 'event'; readonly block: number } & BlockEvent)
  | {
      readonly is: 'connection';
      readonly state: ChainStatus['state'];
      readonly url: string;
      readonly sickness: ChainStatus['sickness'];
    };

const schema = z.strictObject({
  ...networkFlags,
  netuid: minedNetuidFlag.optional(),
  from: integerBetween(0, 0xffff_ffff, 'a block').optional(),
  blocks: integerBetween(1, 0xffff_ffff).optional(),
});

/**
 * Heads as they come; epochs and events of blocks that are final, each block once and in order, also those that became final
 * during an outage. Ends by Ctrl-C, or after `--blocks` final ones.
 */
export async function chainWatch(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const { netuid, from, blocks, json, ...network } = loadFlags(schema, flags);
  const tell = (seen: Seen) => (json ? printJson(seen) : print(lineOf(seen)));
  return withChain({ ...network }, signal, async (chain) => {
    const start = from ?? (await chain.finalizedHead()).number;
    // before anything is printed: a subnet that is not there is an error, not silence
    const epochs = netuid === undefined ? undefined : await firstEpochs(chain, toNetuid(netuid), start);
    const enough = new AbortController();
    const ended = AbortSignal.any([signal, enough.signal]);
    const stop = chain.onStatus(({ state, url, sickness }) =>
      tell({ is: 'connection', state, url, sickness }),
    );
    const onHead = ({ number, hash }: Head, retracted?: readonly Head[]) => {
      if (retracted) tell({ is: 'reorganisation', block: number, retracted });
      tell({ is: 'head', block: number, hash });
    };
    let left = blocks ?? Number.POSITIVE_INFINITY;
    const onBlock = async ({ number, hash }: Head) => {
      if (left-- <= 0) return;
      tell({ is: 'finalised', block: number, hash });
      const { own, epoch } = await whileKept(chain, number, async () => {
        if (netuid === undefined) return { own: [], epoch: undefined };
        const own = (await chain.events(hash)).filter((event) => isOfSubnet(event, netuid));
        return { own, epoch: await epochs?.at(number, hash, own.length > 0) };
      });
      if (epoch) tell({ is: 'epoch', block: number, ...epoch });
      for (const event of own) tell({ is: 'event', block: number, ...event });
      if (left === 0) enough.abort();
    };
    try {
      await Promise.all([chain.watchHeads(onHead, ended), chain.watchBlocks(start, onBlock, ended)]);
    } finally {
      stop();
      enough.abort();
    }
    return signal.aborted ? EXIT.interrupted : EXIT.ok;
  });
}

const firstEpochs = async (chain: ChainClient, netuid: Netuid, start: number) =>
  whileKept(chain, start, async () => createEpochs(chain, netuid, await chain.blockHash(start)));

/** Of so many blocks most nodes keep the state. */
const KEPT_BLOCKS = 256;

/** @throws AssayError `chain-unknown` that says what to ask instead, where the node has not the block's state */
async function whileKept<T>(chain: ChainClient, block: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isAssayError(error, 'chain-unknown') || /subnet/.test(error.data.what)) throw error;
    const newest = (await chain.finalizedHead()).number;
    const why =
      block > newest
        ? `the last final one is ${newest}`
        : `most nodes keep the state of ${KEPT_BLOCKS} blocks: begin --from ${Math.max(0, newest - KEPT_BLOCKS)} or later, or ask --network archive, which keeps all of finney`;
    const what = `block ${block}`;
    throw new AssayError(
      'chain-unknown',
      `the node does not know ${what}; ${why}`,
      { what },
      { cause: error },
    );
  }
}

/** Reads a subnet only in blocks in which its epoch may have moved: a metagraph a block would be the node's whole work. */
async function createEpochs(chain: ChainClient, netuid: Netuid, since: Uint8Array) {
  let last: Subnet = await chain.subnet(netuid, since);
  return {
    /** @param hint the subnet's events may have changed its schedule */
    async at(block: number, hash: Uint8Array, hint: boolean) {
      const isDue = last.nextEpochBlock !== undefined && block >= last.nextEpochBlock;
      if (!isDue && !hint) return undefined;
      const now = await chain.subnet(netuid, hash);
      const isNew = now.epochIndex > last.epochIndex;
      last = now;
      return isNew
        ? { netuid: netuid as number, epoch: now.epochIndex, next: now.nextEpochBlock }
        : undefined;
    },
  };
}

function lineOf(seen: Seen): string {
  switch (seen.is) {
    case 'head':
      return `head       ${seen.block} ${hashText(seen.hash)}`;
    case 'finalised':
      return `finalised  ${seen.block} ${hashText(seen.hash)}`;
    case 'reorganisation':
      return `REORG      ${seen.block} replaces ${seen.retracted.map(({ number }) => number).join(', ')}`;
    case 'epoch':
      return `epoch      ${seen.block} subnet ${seen.netuid} begins epoch ${seen.epoch}, next at ${seen.next ?? 'no block'}`;
    case 'event':
      return `event      ${seen.block} ${seen.pallet}.${seen.name} ${dataText(seen.data)}`;
    case 'connection':
      return `connection ${seen.state} ${seen.url}${seen.sickness ? `, ${seen.sickness}` : ''}`;
  }
}

const dataText = (data: BlockEvent['data']): string =>
  Object.entries(data)
    .map(([name, value]) => `${/^\d+$/.test(name) ? '' : `${name}=`}${valueText(value)}`)
    .join(' ');

function valueText(value: unknown): string {
  if (value instanceof Uint8Array) return hashText(value);
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value)
    ? `[${value.length}]`
    : JSON.stringify(value, (_k, v: unknown) => (typeof v === 'bigint' ? String(v) : v));
}
