// A window of rollouts over the table model: an honest miner, and what liars change of it. Seconds for thousands of rollouts.
import type { LanguageModel } from '../../src/inference/language-model.js';
import { type Policy, policyDigest, temperatureOf } from '../../src/inference/spec/policy.js';
import { choose, rowOf, toleranceUnits } from '../../src/inference/spec/race.js';
import { promptSeed, streamKey, streamRoot } from '../../src/inference/spec/stream.js';
import type { WindowContext } from '../../src/inference/spec/window.js';
import { devKeypair, verifySignature } from '../../src/keys/keypair.js';
import { utf8 } from '../../src/model/bytes.js';
import { sha256 } from '../../src/model/hash.js';
import { createTableModel } from '../../src/testing/rollouts/table-model.js';
import type { Environment, Grade } from '../../src/verification/environments/environment.js';
import type { AuditInput, AuditState, Handed } from '../../src/verification/rollouts/audit.js';
import { type AuditSubject, privateMessage } from '../../src/verification/rollouts/draw.js';
import { createLengths } from '../../src/verification/rollouts/paid.js';
import type { Checked } from '../../src/verification/rollouts/reasons.js';
import type { Rollout } from '../../src/verification/rollouts/rollout.js';
import { type AuditRules, FP32_BOUND_PPB, FP32_DELTA } from '../../src/verification/rollouts/rules.js';
import { NEW_STANDING, type Standing } from '../../src/verification/rollouts/standing.js';
import { readFile, readManifest, writeSubmission } from '../../src/verification/rollouts/submission.js';

export const signal = new AbortController().signal;

/** Prompts of four tokens from the seed; the last two tokens before the end are the answer. */
export function tableEnvironment(
  grade: (completion: Uint32Array) => Grade = (completion) => ({
    kind: 'graded',
    rewardMillis: (completion[0] ?? 0) % 2 ? 1000 : 0,
    answer: [Math.max(0, completion.length - 2), completion.length],
  }),
): Environment {
  return {
    id: 'table',
    version: 1,
    digest: sha256(utf8('table environment')),
    task: (seed) => ({ prompt: Uint32Array.from(seed.subarray(0, 4), (byte) => byte % 60), key: undefined }),
    grade: async (_, completion) => grade(completion),
  };
}

export const POLICY: Policy = {
  temperature: '1',
  candidates: 32,
  maxTokens: 48,
  stopIds: [63],
  rolloutsPerGroup: 4,
  environmentDigest: sha256(utf8('table environment')),
};

/** fp32's tolerance, judged whole */
export const RULES: AuditRules = {
  draw: { rollouts: 6, deep: 6, positions: 8 },
  tolerance: toleranceUnits(FP32_DELTA),
  bounds: [{ upTo: 65_536, ppb: FP32_BOUND_PPB }],
  promptMillis: 200,
};

export const windowOf = (window: number, policy = POLICY): WindowContext => ({
  beacon: { kind: 'dev-chain', round: BigInt(2 * window), signature: sha256(utf8(`b ${window}`)) },
  genesis: sha256(utf8('genesis')),
  netuid: 3,
  window,
  checkpointDigest: sha256(utf8('checkpoint')),
  policyDigest: policyDigest(policy),
});

export interface Mining {
  readonly model?: LanguageModel;
  readonly policy?: Policy;
  readonly groups?: number;
  readonly miner?: string;
  /** what the miner samples with instead */
  readonly temperature?: number;
  readonly root?: Uint8Array;
  readonly suppressStop?: boolean;
}

/** The honest procedure, batch by batch, but for what `mining` changes. */
export async function mine(
  window: WindowContext,
  {
    model = createTableModel(),
    policy = POLICY,
    groups = 40,
    miner = 'miner',
    temperature = temperatureOf(policy),
    root,
    suppressStop = false,
  }: Mining = {},
): Promise<Rollout[]> {
  const own = streamRoot(window, devKeypair(miner).publicKey);
  const stream = root ?? own;
  const environment = tableEnvironment();
  const rows = Array.from({ length: groups * policy.rolloutsPerGroup }, (_, i) => {
    const [group, index] = [Math.floor(i / policy.rolloutsPerGroup), i % policy.rolloutsPerGroup];
    return {
      group,
      index,
      key: streamKey(stream, group, index),
      tokens: [] as number[],
      stop: 'cap' as 'cap' | 'eos',
    };
  });
  const decoding = await model.open(
    rows.map(({ group }) => environment.task(promptSeed(own, group)).prompt),
    policy.candidates,
    signal,
  );
  let live = rows;
  while (live.length > 0) {
    const candidates = decoding.candidates();
    const next = live.map((row, i) => {
      const all = rowOf(candidates, i);
      const kept = [...all.ids.keys()].filter((k) => !suppressStop || !policy.stopIds.includes(all.ids[k]!));
      const raced = {
        ids: Int32Array.from(kept, (k) => all.ids[k]!),
        logits: Float32Array.from(kept, (k) => all.logits[k]!),
      };
      const choice = choose(raced, temperature, { key: row.key, position: row.tokens.length });
      if (choice.kind === 'fault') throw new Error(choice.why);
      row.tokens.push(choice.token);
      if (policy.stopIds.includes(choice.token)) row.stop = 'eos';
      const ended = row.stop === 'eos' || row.tokens.length === policy.maxTokens;
      return ended ? undefined : choice.token;
    });
    await decoding.advance(next, signal);
    live = live.filter((_, i) => next[i] !== undefined);
  }
  decoding.release();
  return rows.map(({ group, index, stop, tokens }) => ({
    group,
    index,
    stop,
    tokens: Uint32Array.from(tokens),
  }));
}

/** Written, signed and read again, as a validator has it. */
export function handIn(
  window: WindowContext,
  rollouts: readonly Rollout[],
  { policy = POLICY, miner = 'miner' }: Pick<Mining, 'policy' | 'miner'> = {},
): AuditInput & { handed: Checked<Handed> & { kind: 'ok' } } {
  const key = devKeypair(miner);
  const groups = rollouts.length / policy.rolloutsPerGroup;
  const { signed, file } = writeSubmission(
    rollouts,
    {
      window,
      policy,
      hotkey: key.publicKey,
      profileDigest: new Uint8Array(32),
      groups,
      forfeits: [],
      vocabulary: 64,
    },
    (bytes) => key.sign(bytes),
  );
  const reading = { window, policy, hotkey: key.publicKey, vocabulary: 64, quota: 10_000 };
  const manifest = readManifest(signed.bytes, reading, verifySignature);
  if (manifest.kind === 'refused') throw new Error(manifest.reason);
  const read = readFile(file, manifest.value, reading);
  if (read.kind === 'refused') throw new Error(read.reason);
  const handed = { kind: 'ok', value: { ...read.value, signed: manifest.value } } as const;
  return { window, policy, hotkey: key.publicKey, committed: signed.digest, handed };
}

export function stateOf(
  input: AuditInput,
  before: Standing = NEW_STANDING,
  validator = 'validator',
): AuditState {
  const auditBeacon = {
    kind: 'dev-chain',
    round: input.window.beacon.round + 1n,
    signature: sha256(utf8(`a ${input.window.window}`)),
  } as const;
  const subject: AuditSubject = {
    beacon: auditBeacon,
    netuid: input.window.netuid,
    window: input.window.window,
    hotkey: input.hotkey,
  };
  const key = devKeypair(validator);
  const lengths = createLengths(input.policy.maxTokens);
  if (input.handed.kind === 'ok') lengths.add(input.handed.value.file, input.handed.value.broken);
  return {
    auditBeacon,
    median: lengths.median(),
    validator: key.publicKey,
    vrfProof: key.vrf(privateMessage(subject)),
    before,
  };
}
