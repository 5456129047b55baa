// Owns: the demo's walk in one process under a clock that jumps: embedded chain, loopback transport, the same devices.
// Does not own: real time, sockets, processes (cli/commands/demo.ts).
import { setMaxListeners } from 'node:events';
import { createPackedCompute } from '../compute/cpu/packed.js';
import { keypairFromUri, readyKeys } from '../keys/index.js';
import { createLocalnet } from '../localnet/localnet.js';
import { runMiner } from '../miner/miner.js';
import { noReceipts } from '../miner/receipts.js';
import type { Slot } from '../miner/slot.js';
import { toHex } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import type { AssayError } from '../model/errors.js';
import { type Hotkey, toHotkey } from '../model/ids.js';
import { type Log, silentLog } from '../model/log.js';
import type { Outcome } from '../model/outcome.js';
import { createSeededRandom } from '../model/prng.js';
import { type ParameterShelf, publicationsOf } from '../parameters/parameters.js';
import { createLoopback } from '../protocol/loopback.js';
import { replayRows } from '../validator/ledger/replay-all.js';
import { noDelay } from '../validator/own-delay.js';
import type { EventPlan } from '../validator/schedule.js';
import { runValidator } from '../validator/validator.js';
import { memoryWeightsBook } from '../validator/weights/book.js';
import { paramsByClass } from '../verification/kinds/compute/params.js';
import { computeProof, kinds } from '../verification/kinds/index.js';
import { DEMO_POLICY, ownersFiles } from './demo-policy.js';
import { demoClaim, demoDevice, demoLinkSlot, linkRates } from './demo-provers.js';
import { createVirtualNetwork } from './devices/links.js';
import { withTurns } from './devices/turns.js';
import { createEmbeddedChain } from './embedded-chain.js';
import { createEmbeddedCommitments } from './embedded-commitments.js';
import { watchEpochs } from './epochs.js';
import type { Leak } from './liars/sessions.js';
import { createMemoryLedger, type MemoryLedger } from './memory-ledger.js';
import { buildReport, type Check, checkReport, checkRows, type DemoReport, missedShare } from './report.js';
import { setUp } from './setup.js';
import { makeTranscript, simulateMiner } from './simulated-miner.js';
import { createVirtualClock } from './virtual-clock.js';
import { type Behaviour, createWorld, DEMO_PLAN, FACTS, type World, type WorldMiner } from './world.js';

export interface Simulation {
  readonly world: World;
  readonly report: DemoReport;
  readonly checks: readonly Check[];
  readonly missed: number;
  readonly outcomes: readonly Outcome[];
  readonly ledgers: readonly MemoryLedger[];
  /** what honest-small said to a forwarded Go */
  readonly refusedForwards: readonly AssayError[];
  /** where a validator's weights changed twice in one epoch */
  readonly setTwice: readonly string[];
}

/** Runs until `paidEpochs` epochs ran on weights. The same seed gives the same verdicts, weights and amounts. */
export async function simulate(options: {
  seed: string;
  /** @default that of the demo */
  paidEpochs?: number;
  /** @default false */
  commitReveal?: boolean;
  log?: Log;
}): Promise<Simulation> {
  const { seed, paidEpochs = DEMO_PLAN.paidEpochs, commitReveal = false, log = silentLog } = options;
  await readyKeys();
  const clock = createVirtualClock();
  return clock.runUntil(run());

  async function run(): Promise<Simulation> {
    const world = createWorld(seed);
    const stop = new AbortController();
    const { signal } = stop;
    setMaxListeners(0, signal); // ten roles in one process wait for it
    const root = keypairFromUri('//Alice');
    const coldkeys = [world.owner, ...world.validators, ...world.miners].map((each) => each.coldkeyUri);
    const localnet = await createLocalnet({
      sudo: root.address,
      balances: coldkeys.map((uri) => [keypairFromUri(uri).address, 10_000_000_000_000n] as const),
      blockTimeMs: DEMO_PLAN.blockTimeMs,
      clock,
      log,
    });
    const chain = createEmbeddedChain(localnet);
    const blocks = localnet.run(signal);
    const say = (line: string) => log.info(line);
    const commitments = createEmbeddedCommitments(localnet);
    const { publish } = commitments;
    const registered = await setUp({ chain, root, say, publish }, world, { commitReveal });
    const { files, policyDigest } = ownersFiles();
    const { netuid, uids, stakes } = registered;

    const wire = createLoopback({ clock });
    const refusedForwards: AssayError[] = [];
    const leaks: { to: (leak: Leak) => void } = { to: () => {} };
    const slots = createSlots(seed, clock);
    const network = createVirtualNetwork({ clock });
    const withLink = ({ behaviour, host }: WorldMiner, own: readonly Slot[]): readonly Slot[] => {
      const { link: name } = FACTS[behaviour];
      if (!name) return own;
      const link = network.host({ address: host, ...linkRates() });
      const random = createSeededRandom(`${seed}/${behaviour}/link`);
      return [
        ...own,
        demoLinkSlot(name, { link, clock, random }, { index: own.length, worker: DEMO_PLAN.worker }),
      ];
    };
    const hotkeyOf = (uri: string): Hotkey => toHotkey(keypairFromUri(uri).address);
    const victim = world.miners.find(({ behaviour }) => behaviour === 'honest-small')!;
    const roles: Promise<void>[] = [];
    const startMiner = async (miner: WorldMiner): Promise<void> => {
      const keypair = keypairFromUri(miner.hotkeyUri);
      const parts = {
        keypair,
        clock,
        log: log.child({ miner: miner.name }),
        receipts: noReceipts,
        wire,
        reader: chain,
      };
      const random = createSeededRandom(`${seed}/${miner.name}`);
      const played = simulateMiner(parts, {
        behaviour: miner.behaviour,
        netuid,
        slots: withLink(miner, slots.get(miner.behaviour) ?? []),
        claim: demoClaim(FACTS[miner.behaviour].prover, 0, DEMO_PLAN.worker),
        ...(miner.behaviour === 'honest-small' ? { leak: (leak: Leak) => leaks.to(leak) } : {}),
        ...(miner.behaviour === 'relays' ? { neighbour: hotkeyOf(victim.hotkeyUri) } : {}),
        ...(miner.behaviour === 'replays'
          ? {
              transcript: await makeTranscript(
                { kind: computeProof, compute: createPackedCompute(), random },
                paramsByClass('paced')!, // the table has it, or no slot could be made
              ),
            }
          : {}),
        onForwardRefused: (refusal) => refusedForwards.push(refusal),
      });
      // what the owner published is with one of them: validators have it by its digest
      const content = (digest: Uint8Array) =>
        miner.behaviour === 'honest-large' ? files.get(toHex(digest)) : undefined;
      if (miner.behaviour === 'relays') leaks.to = (leak) => played.leaked(leak);
      await new Promise<void>((resolve, reject) => {
        const running = runMiner(
          { ...parts, writer: chain, random, slots: played.slots, answer: played.answer, content },
          { netuid, host: miner.host, port: 0 },
          signal,
          () => resolve(),
        );
        roles.push(running.then(() => {}));
        running.catch(reject);
      });
    };
    await Promise.all(world.miners.map(startMiner));

    const ledgers = world.validators.map(() => createMemoryLedger());
    for (const [i, { name, hotkeyUri }] of world.validators.entries())
      roles.push(
        runValidator(
          {
            reader: chain,
            writer: chain,
            wire,
            keypair: keypairFromUri(hotkeyUri),
            kinds,
            parameters: { source: publicationsOf(commitments), shelf: memoryShelf() },
            ledger: ledgers[i]!,
            clock,
            random: createSeededRandom(`${seed}/${name}`),
            book: memoryWeightsBook(),
            ownDelay: noDelay,
            log: log.child({ validator: name }),
          },
          { netuid, plan: NO_PLAN },
          signal,
        ),
      );

    const judges = world.validators.map(({ name }) => ({ name, uid: uids.get(name)! }));
    const epochs = await watchEpochs({ chain, say }, { netuid, judges, paidEpochs, commitReveal }, signal);
    stop.abort();
    await Promise.all([blocks, ...roles]);

    const report = await buildReport(chain, {
      netuid,
      behaviours: new Map(world.miners.map((miner) => [hotkeyOf(miner.hotkeyUri), miner.behaviour])),
      validators: world.validators.map(({ name, hotkeyUri }, i) => ({
        hotkey: hotkeyOf(hotkeyUri),
        stakeRao: stakes.get(name)!,
        ledger: ledgers[i]!,
      })),
      policy: DEMO_POLICY,
      lastEpoch: epochs.lastEpoch,
      epochs: epochs.paid,
      blocks: localnet.head().number,
      seconds: Math.round(clock.monotonic() / 100) / 10,
      peakPssMiB: null,
      burnedRao: epochs.burnedRao,
    });
    const outcomes = ledgers.flatMap((ledger) => ledger.outcomes({ fromEpoch: 0 }));
    const { neurons } = await chain.subnet(netuid);
    const uidOf = new Map(neurons.map(({ hotkey, uid }) => [hotkey, uid]));
    const rowChecks = world.validators.map(async ({ name }, i) => {
      const ledger = ledgers[i]!;
      const rows = await replayRows({ ledger }, () => true);
      const replayed = { rows, disagreeing: [] };
      return checkRows({ name, replayed, ledger, uidOf, policy: policyDigest, paidEpochs });
    });
    const checks = [...checkReport(report, outcomes), ...(await Promise.all(rowChecks)).flat()];
    const { setTwice } = epochs;
    return {
      world,
      report,
      checks,
      missed: missedShare(report),
      outcomes,
      ledgers,
      refusedForwards,
      setTwice,
    };
  }
}

/** No epoch here is as long: events are those of the policy, or there are none. */
const NO_PLAN: EventPlan = { ...DEMO_PLAN.events, eventBlocks: 2 * DEMO_PLAN.tempo };

function memoryShelf(): ParameterShelf {
  const files = new Map<string, Uint8Array>();
  return {
    read: async (digest) => files.get(digest),
    write: async (digest, bytes) => void files.set(digest, bytes),
  };
}

/** Each behaviour's slots on devices of its own; the sharers' two on one. */
function createSlots(seed: string, clock: Clock): ReadonlyMap<Behaviour, Slot[]> {
  const { worker } = DEMO_PLAN;
  const device = (behaviour: Behaviour, slots = 1): Slot[] =>
    demoDevice(FACTS[behaviour].prover, {
      slots,
      worker,
      clock,
      random: createSeededRandom(`${seed}/${behaviour}`),
    });
  const [a, b] = withTurns(device('shares-device-a', 2), clock).map((slot) => ({
    ...slot,
    claim: { ...slot.claim, index: 0 },
  }));
  const second = device('honest-large').map((slot) => ({ ...slot, claim: { ...slot.claim, index: 1 } }));
  return new Map<Behaviour, Slot[]>([
    ['honest-large', [...device('honest-large'), ...second]],
    ['shares-device-a', [a!]],
    ['shares-device-b', [b!]],
    ...(['honest-small', 'fabricates-rows', 'honest-memory', 'invents-digests'] as const).map(
      (behaviour) => [behaviour, device(behaviour)] as const,
    ),
  ]);
}
