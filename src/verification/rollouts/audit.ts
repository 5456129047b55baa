// Owns: the audit of one miner's window, cheap checks first, and its replay. Does not own: reading what was handed in
// (submission.ts), judging one rollout (judge.ts), what is remembered (standing.ts).
import type { Hidden, LanguageModel } from '../../inference/language-model.js';
import { SCORE_UNIT } from '../../inference/spec/distribution.js';
import type { Policy } from '../../inference/spec/policy.js';
import { profileDigest } from '../../inference/spec/profile.js';
import { addScans, NO_SCAN, type ScanSum, scanFinding, scanRollout } from '../../inference/spec/scan.js';
import { promptSeed, streamKey, streamRoot } from '../../inference/spec/stream.js';
import { type BeaconRound, type WindowContext, windowDigest } from '../../inference/spec/window.js';
import { equals } from '../../model/bytes.js';
import { vrfOutput } from '../../model/vrf-proof.js';
import type { Environment, Task } from '../environments/environment.js';
import {
  type AuditSubject,
  type DrawnRollout,
  drawPicks,
  drawPositions,
  privateMessage,
  privateSeed,
  publicSeed,
} from './draw.js';
import type { Evidence } from './evidence.js';
import { rolloutAt } from './file.js';
import { batchesOf, judgeRollout, type Subject, sequenceOf } from './judge.js';
import type { SignedManifest } from './manifest.js';
import { payOf } from './paid.js';
import type { Checked } from './reasons.js';
import { type AuditRules, boundOf, rulesDigest } from './rules.js';
import { afterMissing, afterWindow, drawRulesOf, lookCloser, type Standing } from './standing.js';
import type { ReadRollouts } from './submission.js';
import {
  decodeVerdict,
  encodeVerdict,
  type Outcome,
  type PickVerdict,
  type VerdictRecord,
} from './verdict.js';

export interface AuditParts {
  readonly model: LanguageModel;
  readonly environment: Environment;
  readonly rules: AuditRules;
  /** What our model failed with on a drawn rollout: for the operator, the record says only that it did. */
  readonly onFault?: ((why: unknown, place: number) => void) | undefined;
}

export interface Handed extends ReadRollouts {
  readonly signed: SignedManifest;
}

/** What was there before this validator judged: the same for all of them. */
export interface AuditInput {
  readonly window: WindowContext;
  readonly policy: Policy;
  readonly hotkey: Uint8Array;
  /** digest of the manifest, from the chain */
  readonly committed: Uint8Array;
  /** as readManifest and readFile of submission.ts gave it */
  readonly handed: Checked<Handed>;
}

/** What is this validator's own, or of the window as a whole: in the record, so that a replay asks nobody. */
export interface AuditState {
  /** verified, of a round after the file was complete */
  readonly auditBeacon: BeaconRound;
  /** lower median of the lengths of all miners' rollouts of the window: `createLengths` of paid.ts */
  readonly median: number;
  /** public key */
  readonly validator: Uint8Array;
  /** of `privateMessage`: keys/vrf.ts */
  readonly vrfProof: Uint8Array;
  readonly before: Standing;
  /** No attempt comes after this one: what can be judged counts. @default false */
  readonly isLast?: boolean;
}

/**
 * A function of its arguments, but for faults of our own: they make a record `pending`, which the same call makes good later, or
 * at the last attempt `partial`.
 * @throws what the environment's generator throws, and when `signal` aborts
 */
export async function audit(
  parts: AuditParts,
  input: AuditInput,
  state: AuditState,
  signal: AbortSignal,
): Promise<VerdictRecord> {
  const { model, rules } = parts;
  const { window, hotkey, handed } = input;
  const { before } = state;
  const head = {
    netuid: window.netuid,
    window: window.window,
    hotkey,
    validator: state.validator,
    windowDigest: windowDigest(window),
    manifestDigest: input.committed,
    profileDigest: profileDigest(model.profile),
    rulesDigest: rulesDigest(rules),
    auditBeacon: state.auditBeacon,
    vrfProof: state.vrfProof,
    median: state.median,
    before,
  };
  const nothing = { evidences: [], picks: [], paidMillis: 0, creditMillis: 0 };
  if (handed.kind === 'refused')
    return {
      ...head,
      ...nothing,
      state: 'refused',
      reason: handed.reason,
      after: afterMissing(before, window.window),
    };
  const { file, broken, signed } = handed.value;
  const root = streamRoot(window, hotkey);
  const tasks = tasksOf(parts.environment, root);
  const pay = (unpaid: ReadonlySet<number>) =>
    payOf(file, {
      median: state.median,
      promptMillis: rules.promptMillis,
      promptTokens: (group) => tasks(group).prompt.length,
      forfeits: signed.manifest.forfeits.length,
      broken,
      unpaid,
    });

  const scan = scanAll(handed.value, root);
  const seeds = seedsOf(
    { beacon: state.auditBeacon, netuid: window.netuid, window: window.window, hotkey },
    state.vrfProof,
  );
  const drawn = drawPicks(seeds, pay(new Set()).rollouts, drawRulesOf(rules.draw, before, window.window));
  const { picks, rows, lift } = await judgePicks(
    parts,
    input.policy,
    drawn.map((pick) => {
      const { group, index, tokens } = rolloutAt(file, pick.place);
      const task = tasks(group);
      return { pick, group, index, task, tokens, key: streamKey(root, group, index), seed: seeds[pick.half] };
    }),
    signal,
  );
  const { evidence, isSuspect } = scanEvidence(scan, rows, lift);
  const evidences = [evidence];
  const looked = picks.filter(({ outcome }) => outcome !== 'validator');
  const isWhole = looked.length === picks.length;
  if (!isWhole && !state.isLast)
    return { ...head, ...nothing, state: 'pending', evidences, picks, after: before };

  const unpaid = new Set(picks.filter(({ outcome }) => outcome !== 'valid').map(({ place }) => place));
  // nothing for a window that breaks our model, which costs more than what is found wrong: no lie is hidden that way for a gain
  const paidMillis = isWhole ? pay(unpaid).millis : 0;
  const judged = looked.filter(({ outcome }) => outcome !== 'input');
  const after = afterWindow(before, window.window, {
    trials: judged.map(({ outcome, place }) => ({
      wrong: outcome === 'wrong',
      boundPpb: boundOf(rules, rolloutAt(file, place).tokens.length),
    })),
    count: {
      window: window.window,
      audited: looked.length,
      valid: looked.filter(({ outcome }) => outcome === 'valid').length,
    },
    paidMillis,
    groups: signed.manifest.groups - signed.manifest.forfeits.length - broken.size,
    perWindow: rules.draw.rollouts,
  });
  return {
    ...head,
    state: isWhole ? 'concluded' : 'partial',
    evidences,
    picks,
    paidMillis,
    creditMillis: after.credits.find((credit) => credit.window === window.window)?.creditMillis ?? 0,
    after: isSuspect ? lookCloser(after, window.window) : after,
  };
}

/** Of each group once: a prompt is asked for by pay, by the draw and by the judge. */
function tasksOf(environment: Environment, root: Uint8Array): (group: number) => Task {
  const made = new Map<number, Task>();
  return (group) => {
    const task = made.get(group) ?? environment.task(promptSeed(root, group));
    made.set(group, task);
    return task;
  };
}

function seedsOf(subject: AuditSubject, vrfProof: Uint8Array) {
  return {
    public: publicSeed(subject),
    private: privateSeed(vrfOutput(vrfProof)),
  };
}

/** Every token of every rollout that can be one. */
function scanAll({ file, invalid }: ReadRollouts, root: Uint8Array): ScanSum {
  let sum = NO_SCAN;
  for (let place = 0; place < file.count; place++) {
    if (invalid.has(place)) continue;
    const { group, index, tokens } = rolloutAt(file, place);
    sum = addScans(sum, scanRollout(streamKey(root, group, index), tokens));
  }
  return sum;
}

/** In standard deviations of tokens without the stream: below that, a few audited rollouts do not tell what to expect. */
const SURE = 16n;

/**
 * Of a whole file one hypothesis is looked at: that its tokens were chosen without this stream. It convicts nobody: the drawn
 * rollouts of such a file are wrong anyway. It calls for more draws where less than a quarter of what the audited rows let
 * expect is there. `n` is 0 where the rows let expect too little to tell: no information, never a pass.
 */
function scanEvidence(sum: ScanSum, rows: number, lift: number): { evidence: Evidence; isSuspect: boolean } {
  const finding = scanFinding(sum, { rows, lift });
  const [tokens, all] = [BigInt(sum.tokens), BigInt(rows)];
  const above = (BigInt(sum.race) - tokens * BigInt(SCORE_UNIT)) * all;
  const isSure = BigInt(lift) ** 2n * tokens >= SURE ** 2n * all ** 2n * BigInt(SCORE_UNIT) ** 2n;
  const isSuspect = rows > 0 && isSure && 4n * above < BigInt(lift) * tokens;
  const evidence: Evidence = {
    check: 'scan',
    kind: 'statistic',
    n: finding.kind === 'measured' ? sum.tokens : 0,
    mismatches: isSuspect ? sum.tokens : 0,
    maxMargin: 0,
    value: finding.unforcedBits,
  };
  return { evidence, isSuspect };
}

interface Drawn extends Subject {
  readonly pick: DrawnRollout;
  readonly group: number;
  readonly index: number;
  readonly task: Task;
  readonly seed: Uint8Array;
}

async function judgePicks(
  parts: AuditParts,
  policy: Policy,
  drawn: readonly Omit<Drawn, 'prompt'>[],
  signal: AbortSignal,
): Promise<{ picks: PickVerdict[]; rows: number; lift: number }> {
  const { model, environment, rules, onFault = () => {} } = parts;
  const subjects: Drawn[] = drawn.map((one) => ({ ...one, prompt: one.task.prompt }));
  const graded: Awaited<ReturnType<typeof gradeOf>>[] = [];
  // one at a time: a grader may be a process
  for (const { task, tokens } of subjects) graded.push(await gradeOf(environment, task, tokens, signal));
  const positions = subjects.map(({ pick, tokens, seed }, i) =>
    pick.deep
      ? Array.from(tokens, (_, position) => position)
      : drawPositions(seed, pick.ordinal, tokens.length, rules.draw.positions, graded[i]!.answer),
  );
  const picks: PickVerdict[] = [];
  let [rows, lift] = [0, 0];
  await prefilled(model, subjects.map(sequenceOf), signal, async (hidden, at, i, why) => {
    const subject = subjects[i]!;
    const { pick, group, index } = subject;
    const { grade, isLimit } = graded[i]!;
    const judged = hidden
      ? await judgeRollout(
          { model, policy, tolerance: rules.tolerance },
          { hidden, at, subject, positions: positions[i]! },
          signal,
        ).catch((cause: unknown) => faultOf(cause, signal))
      : ({ kind: 'fault', why } as const);
    let outcome: Outcome = 'validator';
    let found: readonly Evidence[] = [OURS];
    if (judged.kind === 'fault') onFault(judged.why, pick.place);
    else {
      rows += judged.rows;
      lift += judged.lift;
      found = judged.evidences;
      outcome = judged.wrong ? 'wrong' : isLimit ? 'input' : 'valid';
    }
    picks[i] = { ...pick, group, index, outcome, evidences: [grade, ...found] };
  });
  return { picks, rows, lift };
}

const OURS: Evidence = { check: 'margin', kind: 'inconclusive-validator', n: 0, mismatches: 0, maxMargin: 0 };

/** A model that fails says nothing about the miner. */
const faultOf = (why: unknown, signal: AbortSignal) => {
  signal.throwIfAborted();
  return { kind: 'fault', why } as const;
};

/** A limit is the bytes' own doing; a grader that broke says nothing, and pay does not hang on it. */
async function gradeOf(environment: Environment, task: Task, tokens: Uint32Array, signal: AbortSignal) {
  const grade = await environment.grade(task, tokens, signal);
  signal.throwIfAborted();
  const kinds = { graded: 'ok', limit: 'inconclusive-input', fault: 'inconclusive-validator' } as const;
  const evidence: Evidence = {
    check: 'grade',
    kind: kinds[grade.kind],
    n: tokens.length,
    mismatches: 0,
    maxMargin: 0,
  };
  return {
    grade: evidence,
    isLimit: grade.kind === 'limit',
    answer: grade.kind === 'graded' ? grade.answer : undefined,
  };
}

/**
 * Calls `use` for each sequence with the hidden states it lies in; with `undefined`, and why, where the model fails on it alone. A
 * batch that fails is tried one by one, or one rollout that breaks a session would take others along.
 */
export async function prefilled(
  model: LanguageModel,
  sequences: readonly Uint32Array[],
  signal: AbortSignal,
  use: (hidden: Hidden | undefined, at: number, i: number, why?: unknown) => Promise<void>,
): Promise<void> {
  const tryPrefill = (batch: readonly number[]) =>
    model
      .prefill(
        batch.map((i) => sequences[i]!),
        signal,
      )
      .then(
        (hidden) => ({ kind: 'hidden', hidden }) as const,
        (cause: unknown) => faultOf(cause, signal),
      );
  const each = async (
    batch: readonly number[],
    tried: Awaited<ReturnType<typeof tryPrefill>>,
  ): Promise<void> => {
    const [hidden, why] = tried.kind === 'hidden' ? [tried.hidden, undefined] : [undefined, tried.why];
    for (const [at, i] of batch.entries()) await use(hidden, at, i, why);
    hidden?.release();
  };
  for (const batch of batchesOf(sequences)) {
    const tried = await tryPrefill(batch);
    if (tried.kind === 'hidden' || batch.length === 1) await each(batch, tried);
    else for (const i of batch) await each([i], await tryPrefill([i]));
  }
}

export type Replayed =
  | { readonly kind: 'same' }
  /** the record that these inputs give; a pending or partial one differs where the fault of then is gone */
  | { readonly kind: 'different'; readonly record: VerdictRecord }
  /** not a record of these inputs, or one whose private half its validator did not draw */
  | { readonly kind: 'refused'; readonly why: string };

/** As of keys/vrf.ts. */
export type VerifyVrf = (proof: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

/**
 * The audit again, byte for byte. Of the record nothing is believed but whose random function drew: what was before is that of
 * the record before it, for a detector forgets, and many a past would lead to the same end.
 * @param known the beacon's round, verified; the median of the window's files; the standing after the previous window
 */
export async function replay(
  parts: AuditParts & { readonly verifyVrf: VerifyVrf },
  bytes: Uint8Array,
  input: AuditInput,
  known: Pick<AuditState, 'auditBeacon' | 'median' | 'before'>,
  signal: AbortSignal,
): Promise<Replayed> {
  let record: VerdictRecord;
  try {
    record = decodeVerdict(bytes);
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'refused', why: error.message };
    throw error;
  }
  const { window, hotkey } = input;
  const same: readonly [string, Uint8Array, Uint8Array][] = [
    ['a hotkey', record.hotkey, hotkey],
    ['a window', record.windowDigest, windowDigest(window)],
    ['a manifest', record.manifestDigest, input.committed],
    ['rules', record.rulesDigest, rulesDigest(parts.rules)],
    ['a profile', record.profileDigest, profileDigest(parts.model.profile)],
  ];
  for (const [what, recorded, given] of same)
    if (!equals(recorded, given)) return { kind: 'refused', why: `made for ${what} other than these` };
  const { validator, vrfProof } = record;
  const subject = { beacon: known.auditBeacon, netuid: window.netuid, window: window.window, hotkey };
  if (!parts.verifyVrf(vrfProof, privateMessage(subject), validator))
    return { kind: 'refused', why: 'the private half was not drawn by the validator of the record' };
  const isLast = record.state === 'partial';
  const again = await audit(parts, input, { ...known, validator, vrfProof, isLast }, signal);
  return equals(encodeVerdict(again), bytes) ? { kind: 'same' } : { kind: 'different', record: again };
}
