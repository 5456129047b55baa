// Owns: the front door: a validator, a miner and a proof kind of one's own, put together from few parts.
// Does not own: any of them. Chain client, gRPC and inference runtimes are loaded by what runs, not by this import.
import type { ChainReader, ChainWriter } from './chain/chain.js';
import type { Keypair } from './keys/keypair.js';
import type { MinerOptions as RoomMinerOptions } from './miner/miner.js';
import type { ReceiptStore } from './miner/receipts.js';
import type { Slot } from './miner/slot.js';
import { type Clock, systemClock } from './model/clock.js';
import { toNetuid } from './model/ids.js';
import { type Log, silentLog } from './model/log.js';
import { type Random, systemRandom } from './model/prng.js';
import type { Wire } from './protocol/wire.js';
import { assertRules, type ScoringRule } from './scoring/rules.js';
import type { OwnDelay } from './validator/own-delay.js';
import type { ValidatorStatus } from './validator/status.js';
import type { ValidatorOptions as RoomValidatorOptions, ValidatorParts } from './validator/validator.js';
import { type AnyProofKind, kinds } from './verification/kinds/index.js';

export type { ChainReader, ChainWriter } from './chain/chain.js';
export type { Keypair } from './keys/keypair.js';
export type { Slot } from './miner/slot.js';
export type { Verdict } from './model/verdict.js';
export { defineScoringRule, type ParamsReader, type RuleClaim, type ScoringRule } from './scoring/rules.js';
export { defineSubnet, type SubnetModule, type SubnetParts } from './subnet.js';
export type { EventPlan } from './validator/schedule.js';
export type { ValidatorStatus } from './validator/status.js';
export type { AnyProofKind } from './verification/kinds/index.js';
export {
  type Challenge,
  defineProof,
  type Evidence,
  type ParamsFacts,
  type ProofKind,
  type Proving,
} from './verification/proof.js';

/** Every proof kind of this build, to be extended: `proofs: [...proofs, mine]`. */
export const proofs: readonly AnyProofKind[] = Object.values(kinds).filter((kind) => kind !== undefined);

/** What both roles take and need not be given. */
interface Surroundings {
  /** @default gRPC */
  readonly wire?: Wire;
  /** @default silent */
  readonly log?: Log;
  /** @default the system's */
  readonly clock?: Clock;
  /** @default the system's */
  readonly random?: Random;
}

export interface ValidatorSetup extends Surroundings {
  /** `connectSubtensor` of `assay/chain`, or a twin of it */
  readonly chain: ChainReader & ValidatorParts['writer'];
  readonly keypair: Keypair;
  /** `openLedger` of `assay/validator` */
  readonly ledger: ValidatorParts['ledger'];
  /** `openWeightsBook` of `assay/validator`: what keeps an epoch's weights from being set twice or not at all */
  readonly book: ValidatorParts['book'];
  /** @default nobody: the log has it too */
  readonly alert?: ValidatorParts['alert'];
  /** @default proofs */
  readonly proofs?: readonly AnyProofKind[];
  /** Scoring rules of the subnet's own, made with `defineScoringRule`, which its policy names. @default none */
  readonly rules?: readonly ScoringRule[];
  /** Where the subnet owner's parameters come from. @default nobody's count but those that `proofs` bring */
  readonly parameters?: ValidatorParts['parameters'];
  /** @default stalls of this process's event loop */
  readonly ownDelay?: OwnDelay;
  /** Where content is verified: `createVerifierPool` of `assay/validator` keeps it off this thread. @default this thread */
  readonly verifiers?: ValidatorParts['verifiers'];
}

export interface ValidatorOptions extends Omit<RoomValidatorOptions, 'netuid'> {
  readonly netuid: number;
}

export interface Validator {
  /**
   * Challenges miners and sets weights until aborted; leaves nothing behind. What was handed in is its owner's to close.
   * @param onStatus called with a fresh value after each step
   */
  run(signal: AbortSignal, onStatus?: (status: ValidatorStatus) => void): Promise<void>;
}

/** @throws TypeError when two proofs have one name or two rules name and version, RangeError when netuid is no u16 */
export function createValidator(setup: ValidatorSetup, options: ValidatorOptions): Validator {
  const { chain, keypair, ledger } = setup;
  const known = byName(setup.proofs ?? proofs);
  assertRules(setup.rules ?? []);
  const netuid = toNetuid(options.netuid);
  return {
    async run(signal, onStatus) {
      const [{ runValidator }, { eventLoopDelay }, surroundings] = await Promise.all([
        import('./validator/validator.js'),
        import('./validator/own-delay.js'),
        surroundingsOf(setup),
      ]);
      const { ownDelay = eventLoopDelay, book, alert, parameters } = setup;
      const parts = {
        ...surroundings,
        reader: chain,
        writer: chain,
        keypair,
        ledger,
        kinds: known,
        rules: setup.rules,
        book,
        ...(alert ? { alert } : {}),
        parameters,
        ownDelay,
        verifiers: setup.verifiers,
      };
      await runValidator(parts, { ...options, netuid }, signal, onStatus);
    },
  };
}

export interface MinerSetup extends Surroundings {
  /** `connectSubtensor` of `assay/chain`, or a twin of it */
  readonly chain: ChainReader & Pick<ChainWriter, 'serveAxon'>;
  readonly keypair: Keypair;
  /** `createLocalSlot` of `assay/miner` makes one whose work this process does */
  readonly slots: readonly Slot[];
  /** `openReceipts` of `assay/miner`. @default keeps none */
  readonly receipts?: ReceiptStore;
  /** Files by SHA-256 that validators may have, such as the subnet's parameters. @default none */
  readonly content?: (digest: Uint8Array) => Uint8Array | undefined;
}

export interface MinerOptions extends Omit<RoomMinerOptions, 'netuid'> {
  readonly netuid: number;
}

export interface Miner {
  /**
   * Serves until aborted; rejects when the port cannot be bound or the axon cannot be announced.
   * @param onReady called once the miner listens and the chain says so
   */
  run(signal: AbortSignal, onReady?: (address: { host: string; port: number }) => void): Promise<void>;
}

/** @throws RangeError when netuid is no u16 */
export function createMiner(setup: MinerSetup, options: MinerOptions): Miner {
  const { chain, keypair, slots } = setup;
  const netuid = toNetuid(options.netuid);
  return {
    async run(signal, onReady) {
      const [{ runMiner }, { noReceipts }, surroundings] = await Promise.all([
        import('./miner/miner.js'),
        import('./miner/receipts.js'),
        surroundingsOf(setup),
      ]);
      const { receipts = noReceipts, content } = setup;
      const parts = { ...surroundings, reader: chain, writer: chain, keypair, slots, receipts, content };
      await runMiner(parts, { ...options, netuid }, signal, onReady);
    },
  };
}

async function surroundingsOf(setup: Surroundings): Promise<Required<Surroundings>> {
  const { clock = systemClock, random = systemRandom, log = silentLog } = setup;
  const wire = setup.wire ?? (await import('./protocol/grpc/wire.js')).createGrpcWire({ clock });
  return { wire, log, clock, random };
}

/** Without a prototype: a name from the wire finds a kind or nothing. */
function byName(list: readonly AnyProofKind[]): Readonly<Record<string, AnyProofKind | undefined>> {
  const record = Object.create(null) as Record<string, AnyProofKind | undefined>;
  for (const kind of list) {
    if (record[kind.kind]) throw new TypeError(`proofs: two kinds named ${kind.kind}`);
    record[kind.kind] = kind;
  }
  return Object.freeze(record);
}
