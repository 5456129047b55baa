// Owns: a subnet whose windows have ten seconds, on an embedded chain under a clock that jumps: two validators, miners with what
// they do as an argument. Does not own: what is generated and judged: both are stand-ins here.
import { setMaxListeners } from 'node:events';
import type { ChainReader, ChainWriter, Subnet } from '../../src/chain/chain.js';
import { BYTE_VOCABULARY, END_OF_TEXT } from '../../src/inference/spec/byte-ids.js';
import { type Policy, policyDigest } from '../../src/inference/spec/policy.js';
import { keypairFromUri, readyKeys } from '../../src/keys/index.js';
import type { VrfKeypair } from '../../src/keys/keypair.js';
import { createLocalnet } from '../../src/localnet/localnet.js';
import { runMiner } from '../../src/miner/miner.js';
import { noReceipts } from '../../src/miner/receipts.js';
import { type RolloutMinerStatus, runRolloutMiner, type Work } from '../../src/miner/rollouts/run.js';
import { utf8 } from '../../src/model/bytes.js';
import { type Hotkey, type Netuid, toHotkey } from '../../src/model/ids.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { createLoopback } from '../../src/protocol/loopback.js';
import type { SessionParts } from '../../src/protocol/session.js';
import { type Beacon, createChainBeacon } from '../../src/rollouts/beacon.js';
import type { OpenWindow } from '../../src/rollouts/follow.js';
import { createHolders } from '../../src/rollouts/holders.js';
import { createMemoryShelf, type Shelf } from '../../src/rollouts/shelf.js';
import { createEmbeddedChain } from '../../src/testing/embedded-chain.js';
import {
  createEmbeddedCommitments,
  type EmbeddedCommitments,
} from '../../src/testing/embedded-commitments.js';
import { setUp } from '../../src/testing/setup.js';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.js';
import type { World } from '../../src/testing/world.js';
import { openFileDoor } from '../../src/validator/file-door.js';
import { isJudged, memoryRolloutLedger, type RolloutLedger } from '../../src/validator/rollouts/ledger.js';
import {
  createRolloutValidator,
  type RolloutValidator,
  type RolloutValidatorStatus,
  type WindowJudge,
} from '../../src/validator/rollouts/run.js';
import { type Submission, writeSubmission } from '../../src/verification/rollouts/submission.js';
import { type Line, recordingLog } from './logs.js';

const key = (name: string) => ({ hotkeyUri: `//test//${name}//hot`, coldkeyUri: `//test//${name}//cold` });
const TAO = 1_000_000_000n;

export const POLICY = {
  temperature: '1',
  candidates: 64,
  maxTokens: 8,
  stopIds: [END_OF_TEXT],
  rolloutsPerGroup: 2,
  environmentDigest: new Uint8Array(32).fill(9),
};
export const CHECKPOINT = new Uint8Array(32).fill(7);
const BLOCK_MS = 250;

export interface RolloutWorld {
  readonly clock: VirtualClock;
  readonly chain: ChainReader & ChainWriter & EmbeddedCommitments;
  readonly netuid: Netuid;
  readonly firstBlock: number;
  /** Rounds that are not to be had while they are in it. */
  readonly withheld: Set<bigint>;
  readonly beacon: Beacon;
  readonly log: readonly Line[];
  hotkeyOf(name: string): Hotkey;
  miner(name: string, work: Work): { readonly shelf: Shelf; readonly statuses: RolloutMinerStatus[] };
  validator(
    name: 'validator-a' | 'validator-b',
    judge: WindowJudge,
    setting?: {
      readonly ledger?: RolloutLedger;
      readonly shelf?: Shelf;
      /** miners that do not answer this validator */
      readonly starvedBy?: readonly string[];
    },
  ): {
    readonly ledger: RolloutLedger;
    readonly shelf: Shelf;
    readonly statuses: RolloutValidatorStatus[];
    readonly validator: RolloutValidator;
    stop(): Promise<void>;
  };
  /** The hotkey's key: what it signs with. */
  keypairOf(name: string): VrfKeypair;
  /** Resolves when it holds; looks at every block. */
  until(holds: () => boolean): Promise<void>;
  commit(name: string, digest: Uint8Array): Promise<unknown>;
}

/** Two groups of two, all alike: nothing that a stream chose. */
export function plainWork(name: string): Work {
  return async ({ context }) => plainSubmission(name, context);
}

export function plainSubmission(name: string, window: OpenWindow['context'], groups = 2): Submission {
  const keypair = keypairFromUri(key(name).hotkeyUri);
  const rollouts = Array.from({ length: groups * 2 }, (_, i) => ({
    group: i >> 1,
    index: i & 1,
    stop: 'eos' as const,
    tokens: Uint32Array.of(1 + window.window, 2 + i, 256),
  }));
  const work = { window, policy: POLICY, hotkey: keypair.publicKey, groups, forfeits: [] };
  const profileDigest = new Uint8Array(32);
  return writeSubmission(rollouts, { ...work, profileDigest, vocabulary: BYTE_VOCABULARY }, keypair.sign);
}

/** Judges by whether there is a file: a record is the miner and what there was; a complete one is worth 1. */
export function countingJudge(): WindowJudge & { readonly judged: string[]; fail?: Error | undefined } {
  const credit = new Map<Hotkey, number>();
  const judge: ReturnType<typeof countingJudge> = {
    judged: [],
    async *judge({ collected, judged, read }) {
      for (const delivery of collected.deliveries) {
        if (!isJudged(delivery) || judged.has(delivery.miner)) continue;
        if (judge.fail) throw judge.fail;
        if (delivery.is === 'complete' && !(await read(delivery.file))) throw new Error('the file is gone');
        judge.judged.push(`${collected.window} ${delivery.miner}`);
        yield { miner: delivery.miner, record: utf8(`${delivery.is} ${delivery.miner}`) };
      }
    },
    close: (_window, verdicts) => () => {
      for (const [miner, record] of verdicts)
        if (Buffer.from(record).toString().startsWith('complete'))
          credit.set(miner, (credit.get(miner) ?? 0) + 1);
    },
    credit: () => credit,
    prove: () => {},
    alarms: () => [],
  };
  return judge;
}

export async function onRolloutWorld<T>(
  miners: readonly string[],
  body: (world: RolloutWorld) => Promise<T>,
  {
    headCommitted = true,
    policy = POLICY,
  }: { readonly headCommitted?: boolean; readonly policy?: Policy } = {},
): Promise<T> {
  await readyKeys();
  const clock = createVirtualClock();
  return clock.runUntil(run());

  async function run(): Promise<T> {
    const stop = new AbortController();
    const { signal } = stop;
    setMaxListeners(0, signal);
    const root = keypairFromUri('//Alice');
    const world: World = {
      seed: 'rollouts',
      owner: key('owner'),
      validators: [
        { name: 'validator-a', ...key('validator-a'), stakeRao: 120n * TAO },
        { name: 'validator-b', ...key('validator-b'), stakeRao: 80n * TAO },
      ],
      miners: miners.map((name, i) => ({
        name,
        behaviour: 'honest-small',
        ...key(name),
        host: `127.${16 + i}.0.1`,
      })),
      registration: [...miners, 'validator-a', 'validator-b'],
    };
    const coldkeys = [world.owner, ...world.validators, ...world.miners].map(({ coldkeyUri }) => coldkeyUri);
    const localnet = await createLocalnet({
      sudo: root.address,
      balances: coldkeys.map((uri) => [keypairFromUri(uri).address, 10_000n * TAO] as const),
      blockTimeMs: BLOCK_MS,
      clock,
    });
    const commitments = createEmbeddedCommitments(localnet);
    const chain = { ...createEmbeddedChain(localnet), ...commitments };
    const roles: Promise<unknown>[] = [localnet.run(signal)];
    const { netuid } = await setUp({ chain, root, say: () => {} }, world);
    const keypairOf = (name: string) => keypairFromUri(key(name).hotkeyUri);
    const hotkeyOf = (name: string) => toHotkey(keypairOf(name).address);
    if (headCommitted) await chain.commit(keypairOf('owner'), netuid, CHECKPOINT);
    const wire = createLoopback({ clock });
    const { log, lines } = recordingLog();
    const withheld = new Set<bigint>();
    const rounds = await createChainBeacon('dev-chain', chain);
    const beacon: Beacon = {
      ...rounds,
      fetch: async (round, by) => (withheld.has(round) ? undefined : rounds.fetch(round, by)),
    };
    const firstBlock = localnet.head().number + 10;
    const plan = { firstBlock, everyBlocks: 60, workBlocks: 40, beaconDelayMs: 3000, headLeadBlocks: 5 };
    const rules = {
      netuid,
      plan: { ...plan, auditExpiryMs: 30_000 },
      policyDigest: policyDigest(policy),
      trainer: hotkeyOf('owner'),
    };
    const follow = { chain, beacon, clock, log };
    const doors = new Set<string>();
    const openDoor = async (name: string, session: SessionParts, shelf: Shelf): Promise<void> => {
      doors.add(name);
      let subnet: Subnet | undefined = await chain.subnet(netuid);
      localnet.onBlock(() => void chain.subnet(netuid).then((now) => (subnet = now)));
      const host = name === 'validator-a' ? '127.8.0.1' : '127.9.0.1';
      const door = { writer: chain, host, port: 0, piece: shelf.piece };
      const parts = { ...session, reader: chain, door, content: () => undefined, subnet: () => subnet };
      await openFileDoor(parts, { netuid }, signal);
    };

    const result = await body({
      clock,
      chain,
      netuid,
      firstBlock,
      withheld,
      beacon,
      log: lines,
      hotkeyOf,
      keypairOf,
      commit: (name, digest) => chain.commit(keypairOf(name), netuid, digest),
      until: (holds) =>
        new Promise((resolve) => {
          const end = localnet.onBlock(() => {
            if (!holds()) return;
            end();
            resolve();
          });
        }),
      miner(name, work) {
        const keypair = keypairOf(name);
        const shelf = createMemoryShelf();
        const statuses: RolloutMinerStatus[] = [];
        const random = createSeededRandom(name);
        const parts = { ...follow, keypair, random, wire };
        roles.push(
          runMiner(
            { ...parts, reader: chain, writer: chain, receipts: noReceipts, slots: [], piece: shelf.piece },
            { netuid, host: world.miners.find((each) => each.name === name)!.host, port: 0 },
            signal,
          ),
          runRolloutMiner(
            {
              ...parts,
              work,
              shelf,
              commit: (digest) => chain.commit(keypair, netuid, digest),
              onStatus: (status) => statuses.push(status),
            },
            rules,
            signal,
          ),
        );
        return { shelf, statuses };
      },
      validator(
        name,
        judge,
        { ledger = memoryRolloutLedger(), shelf = createMemoryShelf(), starvedBy = [] } = {},
      ) {
        const end = new AbortController();
        const inner = AbortSignal.any([signal, end.signal]);
        const statuses: RolloutValidatorStatus[] = [];
        const keypair = keypairOf(name);
        const session = { wire, keypair, clock, log, random: createSeededRandom(name) };
        const holders = createHolders(session, { netuid, self: hotkeyOf(name) });
        const validator = createRolloutValidator(
          {
            ...follow,
            shelf,
            ledger,
            judge,
            holdersOf: (miner, subnet) =>
              holders.of(
                miner,
                starvedBy.some((each) => hotkeyOf(each) === miner)
                  ? { ...subnet, neurons: subnet.neurons.filter(({ hotkey }) => hotkey !== miner) }
                  : subnet,
              ),
            onStatus: (status) => statuses.push(status),
          },
          { ...rules, policy, vocabulary: BYTE_VOCABULARY, quota: 1000 },
        );
        const walk = async () => {
          // one that begins anew has its port already
          if (!doors.has(name)) await openDoor(name, session, shelf);
          await validator.run(inner);
        };
        const running = walk().finally(holders.close);
        roles.push(running);
        return {
          ledger,
          shelf,
          statuses,
          validator,
          async stop() {
            end.abort();
            await running;
          },
        };
      },
    });
    stop.abort();
    await Promise.all(roles);
    return result;
  }
}
