// Owns: a subnet of one window after the other in one process: checkpoints published and pulled, rollouts handed in, every token of them
// checked before it is trained on. Does not own: each of these (src/), how miners lie (miners.ts), learning (train.ts).
import { join } from 'node:path';
import type { Disk } from '../../src/inference/checkpoint/disk.js';
import { publishCheckpoint } from '../../src/inference/checkpoint/publish.js';
import { type PullStep, pullCheckpoint } from '../../src/inference/checkpoint/pull.js';
import { type CheckpointStore, openStore } from '../../src/inference/checkpoint/store.js';
import type { DecoderConfig } from '../../src/inference/decoder.js';
import type { LanguageModel } from '../../src/inference/language-model.js';
import { type Master, openMaster } from '../../src/inference/master.js';
import { createPlainModel } from '../../src/inference/plain/model.js';
import { memorySource } from '../../src/inference/safetensors.js';
import { type Policy, policyDigest } from '../../src/inference/spec/policy.js';
import { toleranceUnits } from '../../src/inference/spec/race.js';
import { promptSeed, streamRoot } from '../../src/inference/spec/stream.js';
import type { WindowContext } from '../../src/inference/spec/window.js';
import { devKeypair, verifySignature } from '../../src/keys/keypair.js';
import { toHex } from '../../src/model/bytes.js';
import type { Environment } from '../../src/verification/environments/environment.js';
import type { Handed } from '../../src/verification/rollouts/audit.js';
import { type Consumed, confirmFraud, verifyConsumed } from '../../src/verification/rollouts/consumed.js';
import { trainingGroups } from '../../src/verification/rollouts/paid.js';
import { FP32_DELTA } from '../../src/verification/rollouts/rules.js';
import { readFile, readManifest, type Submission } from '../../src/verification/rollouts/submission.js';
import { createMinersWork, type MinerKind } from './miners.js';
import {
  beaconOf,
  genesisOf,
  type RatioError,
  type Rollouts,
  ratioError,
  rewardOf,
  type VerifiedRollout,
} from './rollouts.js';

export interface SubnetOptions {
  readonly config: DecoderConfig;
  readonly environment: Environment;
  /** keys, stores and what is printed are named by place: `miner-1` */
  readonly miners: readonly MinerKind[];
  /** of each miner, in each window */
  readonly groups: number;
  /** of keys and beacons */
  readonly seed: string;
}

export interface SubnetParts {
  /** where everybody's store is, each in a folder of its own */
  readonly disk: Disk;
  readonly folder: string;
  /** the engine of miners; the trainer and the witness run the plain decoder */
  readonly openModel: (master: Master) => Promise<LanguageModel>;
  readonly onWindow?: (account: WindowAccount) => void;
}

export interface MinerAccount {
  readonly name: string;
  readonly does: MinerKind;
  /** on the way to the checkpoint that it ran */
  readonly pulled: readonly PullStep[];
  readonly handedIn: number;
  /** groups that were trained on; the others held a wrong token */
  readonly consumed: number;
  /** mean of what was consumed: of a liar, what it chose to let through; undefined of nothing */
  readonly rewardMillis: number | undefined;
  /** rollouts with a wrong token, each with its proof */
  readonly proofs: number;
  /** of the first proof, by a witness who believes nobody; undefined without one */
  readonly witness: string | undefined;
}

export interface WindowAccount {
  readonly window: number;
  readonly masterBytes: number;
  /** the master is kept for whoever has nothing yet */
  readonly isAnchor: boolean;
  /** from the checkpoint before; undefined in the first window */
  readonly delta: { readonly bytes: number; readonly density: number } | undefined;
  readonly miners: readonly MinerAccount[];
  /** consumed tokens, each judged */
  readonly tokens: number;
  /** p as the honest miners' engines had it over p as the trainer computed it again, less 1 */
  readonly error: RatioError;
}

const MODEL_ID = 'example/trainer';
const NETUID = 7;

/** Somebody with a key, a store of its own, and a model opened from what is in it. */
function createParty(
  name: string,
  parts: Pick<SubnetParts, 'disk' | 'folder' | 'openModel'> & { readonly config: DecoderConfig },
  from: { readonly store: CheckpointStore; readonly trainer: Uint8Array },
) {
  const store = openStore(parts.disk, join(parts.folder, name));
  let pulled: readonly PullStep[] = [];
  let open: { digest: string; model: LanguageModel } | undefined;
  return {
    /** what was fetched since this was last asked, manifests apart */
    fetched(): readonly PullStep[] {
      const since = pulled;
      pulled = [];
      return since;
    },
    /** By digest, from what is here or else the cheapest way; one model at a time. */
    async modelOf(digest: Uint8Array, signal: AbortSignal): Promise<LanguageModel> {
      if (open?.digest === toHex(digest)) return open.model;
      const input = { digest, trainer: from.trainer };
      const { checkpoint, steps } = await pullCheckpoint({ store, source: from.store }, input, signal);
      pulled = [...pulled, ...steps];
      // step and window are one here
      const head = await from.store.headOf(checkpoint.manifest.step);
      if (head) await store.putHead(head);
      await store.collect({ heads: 2, keep: 'masters' });
      const { sha256, bytes } = checkpoint.manifest.master;
      const file = (await store.open(sha256))!; // pulled a moment ago
      try {
        const model = await parts.openModel(openMaster(parts.config, await file.read(0, bytes)));
        await open?.model.close();
        open = { digest: toHex(digest), model };
        return model;
      } finally {
        await file.close();
      }
    },
    async close(): Promise<void> {
      await open?.model.close();
      open = undefined;
    },
  };
}

export interface Subnet {
  readonly rollouts: Rollouts;
  close(): Promise<void>;
}

/** Keys must be ready. */
export function createSubnet(parts: SubnetParts, options: SubnetOptions): Subnet {
  const { disk, folder, openModel, onWindow = () => {} } = parts;
  const { config, environment, miners: kinds, groups, seed } = options;
  const trainer = devKeypair(`example ${seed} trainer`);
  const store = openStore(disk, join(folder, 'trainer'));
  const from = { store, trainer: trainer.publicKey };
  const openPlain = async (master: Master) => createPlainModel(master);
  const witness = createParty('witness', { disk, folder, config, openModel: openPlain }, from);
  const miners = kinds.map((does, i) => {
    const name = `miner-${i + 1}`;
    const keypair = devKeypair(`example ${seed} ${name}`);
    const party = createParty(name, { disk, folder, config, openModel }, from);
    return { name, does, keypair, party, work: createMinersWork(does, { environment, keypair, party }) };
  });

  const rollouts: Rollouts = async (policy, checkpoint, signal) => {
    const { window, master } = checkpoint;
    const published = await publishCheckpoint(
      { store, keypair: trainer },
      { master: memorySource(master), modelId: MODEL_ID, step: window, window },
      signal,
    );
    await store.collect();
    const { manifest, digest: checkpointDigest } = published.checkpoint;
    // the round comes out when the checkpoint's digest is committed: nobody chose one to go with the other
    const context: WindowContext = {
      beacon: beaconOf(seed, window),
      genesis: genesisOf(seed),
      netuid: NETUID,
      window,
      checkpointDigest,
      policyDigest: policyDigest(policy),
    };
    const verifier = createPlainModel(openMaster(config, master));
    const judging = { model: verifier, environment, tolerance: toleranceUnits(FP32_DELTA) };
    const all: VerifiedRollout[] = [];
    const accounts: MinerAccount[] = [];
    const errors: number[] = [];
    try {
      for (const [place, { name, does, keypair, party, work }] of miners.entries()) {
        const quota = groups * policy.rolloutsPerGroup;
        const made = await work({ context, policy, quota }, signal);
        const committed = made.submission.signed.digest;
        const handed = received(made.submission, {
          window: context,
          policy,
          hotkey: keypair.publicKey,
          committed,
          vocabulary: verifier.vocabulary,
          quota,
        });
        const taken = Array.from(
          { length: trainingGroups(handed.signed.manifest, handed.broken) },
          (_, group) => group,
        );
        const input = { window: context, policy, handed };
        const consumed = await verifyConsumed(judging, input, taken, signal);
        const root = streamRoot(context, keypair.publicKey);
        let reward = 0;
        for (const { group, index, prompt, tokens, logProbabilities } of consumed.rollouts) {
          const task = environment.task(promptSeed(root, group));
          const rewardMillis = await rewardOf(environment, task, tokens, signal);
          reward += rewardMillis;
          all.push({ group: place * groups + group, index, prompt, tokens, logProbabilities, rewardMillis });
          if (does === 'honest')
            for (const [t, own] of made.likelihoods(group, index).entries())
              errors.push(Math.abs(Math.exp(own - logProbabilities[t]!) - 1));
        }
        accounts.push({
          name,
          does,
          pulled: party.fetched(),
          handedIn: taken.length,
          consumed: taken.length - consumed.dropped.length,
          rewardMillis: consumed.rollouts.length === 0 ? undefined : reward / consumed.rollouts.length,
          proofs: consumed.proofs.length,
          witness: await confirmed(
            consumed,
            { context, policy, hotkey: keypair.publicKey, committed },
            signal,
          ),
        });
      }
    } finally {
      await verifier.close();
    }
    const { statistics } = published;
    onWindow({
      window,
      masterBytes: manifest.master.bytes,
      isAnchor: manifest.isAnchor,
      delta: statistics && { bytes: statistics.bytes, density: statistics.density },
      miners: accounts,
      tokens: all.reduce((sum, { tokens }) => sum + tokens.length, 0),
      error: ratioError(errors),
    });
    return all;
  };

  /** One proof a miner and window: a prefill each, and one is enough for its draws to be quadrupled. */
  async function confirmed(
    { proofs }: Pick<Consumed, 'proofs'>,
    { context, ...of }: { context: WindowContext; policy: Policy; hotkey: Uint8Array; committed: Uint8Array },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const [proof] = proofs;
    if (!proof) return undefined;
    const model = await witness.modelOf(context.checkpointDigest, signal);
    const judging = { model, environment, tolerance: toleranceUnits(FP32_DELTA), verify: verifySignature };
    return (await confirmFraud(judging, { window: context, ...of }, proof, signal)).kind;
  }

  return {
    rollouts,
    async close() {
      for (const { party } of miners) await party.close();
      await witness.close();
    },
  };
}

/** As a validator reads what strangers hand in. @throws for what would be refused: miners here lie about tokens, not about bytes */
function received({ signed, file }: Submission, reading: Parameters<typeof readManifest>[1]): Handed {
  const manifest = readManifest(signed.bytes, reading, verifySignature);
  if (manifest.kind === 'refused') throw new Error(`manifest: ${manifest.reason}`);
  const read = readFile(file, manifest.value, reading);
  if (read.kind === 'refused') throw new Error(`file: ${read.reason}`);
  return { ...read.value, signed: manifest.value };
}
