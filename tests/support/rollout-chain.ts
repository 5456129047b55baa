// Owns: as much of a chain and a beacon as windows of rollouts need, by the clock alone, with reads that fail as told. Does not own: what is
// committed, which the test says.
import type { Subnet } from '../../src/chain/chain.js';
import { toHotkey, toNetuid } from '../../src/model/ids.js';
import type { Beacon } from '../../src/rollouts/beacon.js';
import type { WindowChain, WindowRules } from '../../src/rollouts/follow.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';

const BLOCK_MS = 1_000;
const ROUND_MS = 3_000;
const START_MS = 1_700_000_000_000;
export const GENESIS = new Uint8Array(32).fill(1);
export const CHECKPOINT = new Uint8Array(32).fill(2);
export const NETUID = toNetuid(3);
/** S 10, D 30, then every 40: an audit's round comes out twelve seconds after D, rounded up to three. */
export const PLAN = {
  firstBlock: 10,
  everyBlocks: 40,
  workBlocks: 20,
  beaconDelayMs: 12_000,
  headLeadBlocks: 2,
};

const numberOf = (hash: Uint8Array): number => new DataView(hash.buffer, hash.byteOffset).getUint32(0);
const hashOf = (block: number): Uint8Array => {
  const hash = new Uint8Array(32);
  new DataView(hash.buffer).setUint32(0, block);
  return hash;
};

export interface ChainByClock {
  readonly chain: WindowChain;
  readonly beacon: Beacon;
  /** Why a read fails, while it does. */
  fails: (what: keyof WindowChain, block: number) => Error | undefined;
  readonly asked: (keyof WindowChain)[];
  /** by hotkey, with the block that it was made in */
  readonly committed: Map<string, { readonly digest: Uint8Array; readonly block: number }>;
  /** unix ms at which a block is there */
  timeOf(block: number): number;
}

export const TRAINER = toHotkey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');

export function chainByClock(clock: VirtualClock, hotkeys: readonly string[]): ChainByClock {
  const height = () => Math.floor((clock.now() - START_MS) / BLOCK_MS);
  const timeOf = (block: number) => START_MS + block * BLOCK_MS;
  const at = (hash?: Uint8Array) => (hash ? numberOf(hash) : height());
  const read =
    <A extends unknown[], T>(what: keyof WindowChain, answer: (...args: A) => T) =>
    async (...args: A): Promise<T> => {
      world.asked.push(what);
      const error = world.fails(what, height());
      if (error) throw error;
      return answer(...args);
    };
  const commitmentOf = (hotkey: string) => {
    const { digest, block } = world.committed.get(hotkey) ?? { digest: CHECKPOINT, block: 0 };
    const known = hotkey === TRAINER || world.committed.has(hotkey);
    const fields = [{ kind: 'hash', algorithm: 'Sha256', digest }];
    return known ? { hotkey, block, fields } : undefined;
  };
  const chain = {
    info: read('info', () => ({ blockTimeMs: BLOCK_MS, genesisHash: GENESIS })),
    head: read('head', () => ({ number: height() })),
    finalizedHead: read('finalizedHead', () => ({ number: height() - 1 })),
    blockHash: read('blockHash', (block: number) => hashOf(block)),
    beacon: read('beacon', (hash?: Uint8Array) => ({ blockTimestampMs: timeOf(at(hash)) })),
    subnet: read(
      'subnet',
      () => ({ netuid: NETUID, neurons: hotkeys.map((hotkey) => ({ hotkey })) }) as unknown as Subnet,
    ),
    commitments: read('commitments', () => hotkeys.map(commitmentOf).filter((one) => one !== undefined)),
    commitmentOf: read('commitmentOf', (_netuid: number, hotkey: string) => commitmentOf(hotkey)),
  };
  const timeOfRound = (round: bigint) => START_MS + Number(round) * ROUND_MS;
  const world: ChainByClock = {
    chain: chain as unknown as WindowChain, // no more of it is looked at
    beacon: {
      kind: 'dev-chain',
      roundFrom: (unixMs) => BigInt(Math.ceil((unixMs - START_MS) / ROUND_MS)),
      timeOf: timeOfRound,
      fetch: async (round) =>
        clock.now() < timeOfRound(round)
          ? undefined
          : { kind: 'dev-chain', round, signature: new Uint8Array(32).fill(Number(round)) },
    },
    fails: () => undefined,
    asked: [],
    committed: new Map(),
    timeOf,
  };
  return world;
}

export const rulesOf = (policyDigest: Uint8Array): WindowRules => ({
  netuid: NETUID,
  plan: PLAN,
  policyDigest,
  trainer: TRAINER,
});
