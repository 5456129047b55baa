// Owns: what a trainer checks of all that it trains on, the proof it makes of a wrong token, and how anybody confirms it. Does
// not own: drawn audits (audit.ts), the loss.
import type { LanguageModel } from '../../inference/language-model.js';
import { likelihoodOf } from '../../inference/spec/distribution.js';
import { exp } from '../../inference/spec/log.js';
import type { Policy } from '../../inference/spec/policy.js';
import { temperatureOf } from '../../inference/spec/policy.js';
import type { Row } from '../../inference/spec/race.js';
import { promptSeed, streamKey, streamRoot } from '../../inference/spec/stream.js';
import type { WindowContext } from '../../inference/spec/window.js';
import type { Environment } from '../environments/environment.js';
import { type Handed, prefilled } from './audit.js';
import { rolloutAt } from './file.js';
import { judgeRollout, type Subject, sequenceOf } from './judge.js';
import { bindManifest, openManifest, type Verify } from './manifest.js';
import type { RolloutReason } from './reasons.js';
import { checkOpening, encodeRecord, type RolloutOpening } from './record.js';
import type { Rollout } from './rollout.js';
import { tokensWrong } from './stop.js';

export interface ConsumedParts {
  readonly model: LanguageModel;
  readonly environment: Environment;
  /** 2^-20 logits, of the pair of profiles */
  readonly tolerance: number;
}

/** One rollout that may be trained on, with what its tokens' policy was: the race at the policy's temperature. */
export interface Consumable {
  readonly place: number;
  readonly group: number;
  readonly index: number;
  readonly prompt: Uint32Array;
  readonly tokens: Uint32Array;
  /** ln p of each token over the candidates at the temperature: what the miner sampled from, not the softmax over all */
  readonly logProbabilities: Float64Array;
  /** share of the probability of all of the vocabulary that the candidates hold; undefined where all were not asked for */
  readonly mass?: Float64Array;
}

/** Enough for anybody with the model and the chain to find the same wrong token: nothing of who says so is believed. */
export interface FraudProof {
  /** signed, as it travelled */
  readonly manifest: Uint8Array;
  readonly opening: RolloutOpening;
  /** of the largest margin, in the completion */
  readonly position: number;
  /** as found by whom it was made; 2^-20 logits */
  readonly margin: number;
}

export interface Consumed {
  readonly rollouts: readonly Consumable[];
  /**
   * groups of which nothing is in `rollouts`: the first with a wrong rollout and all behind it, for who could spoil any group that
   * it does not want trained on would choose the batch; and those that our own model failed on
   */
  readonly dropped: readonly number[];
  readonly proofs: readonly FraudProof[];
  /** of all that were asked for: what a detector may be told, if the list was committed to before it was checked */
  readonly checked: number;
  readonly wrong: number;
  /** that our own model failed on: their groups are dropped without a word against the miner */
  readonly failed: number;
}

/** Above it the head is asked for the candidates alone. */
const WHOLE_VOCABULARY = 4096;

/**
 * Every token of the rollouts of whole groups. A trainer runs this forward anyway; the margin is free beside it, and steering
 * survives only where nobody trains.
 * @param groups of training (`trainingGroups` of paid.ts), each complete in the file
 */
export async function verifyConsumed(
  parts: ConsumedParts,
  input: { readonly window: WindowContext; readonly policy: Policy; readonly handed: Handed },
  groups: readonly number[],
  signal: AbortSignal,
): Promise<Consumed> {
  const { model, environment } = parts;
  const { window, policy, handed } = input;
  const { file, invalid, tree, signed } = handed;
  const { hotkey } = signed.manifest;
  const root = streamRoot(window, hotkey);
  const wanted = new Set(groups);
  const prompts = new Map(groups.map((group) => [group, environment.task(promptSeed(root, group)).prompt]));
  const dropped = new Set<number>();
  /** the first group of which a rollout is wrong */
  let spoilt = Number.POSITIVE_INFINITY;
  const subjects: (Subject & Rollout & { place: number })[] = [];
  let checked = 0;
  for (let place = 0; place < file.count; place++) {
    const rollout = rolloutAt(file, place);
    const prompt = prompts.get(rollout.group);
    if (!wanted.has(rollout.group) || !prompt) continue;
    checked++;
    // unpaid by its bytes alone, and nothing to prove
    if (invalid.has(place)) spoilt = Math.min(spoilt, rollout.group);
    else subjects.push({ ...rollout, place, prompt, key: streamKey(root, rollout.group, rollout.index) });
  }
  const whole = model.vocabulary <= WHOLE_VOCABULARY;
  const temperature = temperatureOf(policy);
  const found: (Consumable | undefined)[] = [];
  const proofs: FraudProof[] = [];
  let failed = 0;
  await prefilled(model, subjects.map(sequenceOf), signal, async (hidden, at, i) => {
    const subject = subjects[i]!;
    const { place, group, index, prompt, tokens } = subject;
    const logProbabilities = new Float64Array(tokens.length);
    const judged =
      hidden &&
      (await judgeRollout(
        {
          model,
          policy,
          tolerance: parts.tolerance,
          onRow({ position, row, token, logit }) {
            const likely = likelihoodOf(row, temperature, token, logit);
            logProbabilities[position] = likely.kind === 'likelihood' ? likely.logProbability : Number.NaN;
          },
        },
        { hidden, at, subject, positions: Array.from(tokens, (_, position) => position) },
        signal,
      ).catch(() => {
        signal.throwIfAborted();
        return undefined;
      }));
    if (judged?.kind !== 'judged') {
      failed++;
      dropped.add(group);
      return;
    }
    if (judged.wrong) {
      const margin = judged.evidences.find(({ check }) => check === 'margin');
      spoilt = Math.min(spoilt, group);
      proofs.push({
        manifest: signed.bytes,
        opening: { place, record: encodeRecord(rolloutAt(file, place)), path: tree.path(place) },
        position: margin?.position ?? 0,
        margin: margin?.maxMargin ?? 0,
      });
      return;
    }
    const mass = whole && hidden ? await massOf(hidden, at) : undefined;
    found[i] = { place, group, index, prompt, tokens, logProbabilities, ...(mass ? { mass } : {}) };

    async function massOf(of: NonNullable<typeof hidden>, sequence: number): Promise<Float64Array> {
      const places = Array.from(tokens, (_, t) => ({ sequence, position: prompt.length + t - 1 }));
      const masses = new Float64Array(tokens.length);
      for (let from = 0; from < places.length; from += MASS_ROWS) {
        const head = await of.head(places.slice(from, from + MASS_ROWS), model.vocabulary, signal);
        for (let row = 0; row < head.rows; row++)
          masses[from + row] = shareOf(
            head.logits.subarray(row * head.perRow, (row + 1) * head.perRow),
            policy.candidates,
            temperature,
          );
      }
      return masses;
    }
  });
  for (const group of wanted) if (group >= spoilt) dropped.add(group);
  return {
    rollouts: found.filter((one): one is Consumable => one !== undefined && !dropped.has(one.group)),
    dropped: [...dropped].sort((a, b) => a - b),
    proofs,
    checked,
    wrong: proofs.length,
    failed,
  };
}

/** What a loss would be off by that took the softmax over the whole vocabulary for what was sampled from. In nats. */
export interface RatioError {
  /** of a token, in the mean */
  readonly mean: number;
  /** of a whole rollout, the largest: the importance ratio of its sequence is wrong by the factor e to that */
  readonly worst: number;
}

/** @returns undefined where no token was trained on, or the mass was not asked for */
export function ratioErrorOf(rollouts: readonly Pick<Consumable, 'mass'>[]): RatioError | undefined {
  let [sum, tokens, worst] = [0, 0, 0];
  for (const { mass } of rollouts) {
    if (!mass) return undefined;
    const own = mass.reduce((all, share) => all - Math.log(share), 0);
    sum += own;
    tokens += mass.length;
    worst = Math.max(worst, own);
  }
  return tokens === 0 ? undefined : { mean: sum / tokens, worst };
}

const MASS_ROWS = 64;

/** Of the first `count`, which are the highest. */
function shareOf(logits: Row['logits'], count: number, temperature: number): number {
  let [inside, all] = [0, 0];
  for (const [i, logit] of logits.entries()) {
    const weight = exp((logit - logits[0]!) / temperature);
    all += weight;
    if (i < count) inside += weight;
  }
  return inside / all;
}

export type Confirmation =
  /** with the confirmer's own margin: of another engine it differs within the tolerance */
  | { readonly kind: 'confirmed'; readonly position: number; readonly margin: number }
  /** the rollout is in the file, and this position of it is right */
  | { readonly kind: 'unfounded' }
  | { readonly kind: 'refused'; readonly reason: RolloutReason | 'position' }
  /** our own model failed */
  | { readonly kind: 'inconclusive' };

/**
 * One prefill. A confirmed rollout is unpaid and its group unused at once; for a conviction a lone proof counts nothing: it was
 * chosen because it hits. It calls for more draws (`lookCloser` of standing.ts).
 */
export async function confirmFraud(
  parts: ConsumedParts & { readonly verify: Verify },
  input: {
    readonly window: WindowContext;
    readonly policy: Policy;
    readonly hotkey: Uint8Array;
    /** digest on the chain */
    readonly committed: Uint8Array;
  },
  proof: FraudProof,
  signal: AbortSignal,
): Promise<Confirmation> {
  const { model, environment, tolerance, verify } = parts;
  const { window, policy, hotkey } = input;
  const signed = openManifest(proof.manifest, verify);
  if (signed.kind === 'refused') return signed;
  const manifest = bindManifest(signed.value, input);
  if (manifest.kind === 'refused') return manifest;
  const opened = checkOpening(proof.opening, manifest.value, policy.maxTokens);
  if (opened.kind === 'refused') return opened;
  const rollout = opened.value;
  const ends = tokensWrong(rollout, policy, model.vocabulary);
  if (ends) return { kind: 'refused', reason: ends };
  const { position } = proof;
  if (!(Number.isInteger(position) && position >= 0 && position < rollout.tokens.length))
    return { kind: 'refused', reason: 'position' };
  const root = streamRoot(window, hotkey);
  const subject: Subject = {
    prompt: environment.task(promptSeed(root, rollout.group)).prompt,
    // what comes behind the position decides nothing about it
    tokens: rollout.tokens.subarray(0, position + 1),
    key: streamKey(root, rollout.group, rollout.index),
  };
  let confirmation: Confirmation = { kind: 'inconclusive' };
  await prefilled(model, [sequenceOf(subject)], signal, async (hidden, at) => {
    const judged =
      hidden &&
      (await judgeRollout(
        { model, policy: { ...policy, stopIds: [] }, tolerance },
        { hidden, at, subject, positions: [position] },
        signal,
      ).catch(() => {
        signal.throwIfAborted();
        return undefined;
      }));
    if (judged?.kind !== 'judged') return;
    const margin = judged.evidences.find(({ check }) => check === 'margin')?.maxMargin ?? 0;
    confirmation = judged.wrong ? { kind: 'confirmed', position, margin } : { kind: 'unfounded' };
  });
  return confirmation;
}
