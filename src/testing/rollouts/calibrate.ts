// Owns: the runs that a calibration is made of: honest rollouts of one engine before another, liars before an audit, each on windows
// of its own seed. Does not own: what follows from them (verification/rollouts/calibration.ts), models, files.
import type { Choose, Wanted } from '../../inference/generate.js';
import type { LanguageModel } from '../../inference/language-model.js';
import { exp } from '../../inference/spec/log.js';
import { type Policy, temperatureOf } from '../../inference/spec/policy.js';
import { MARGIN_UNIT, type Row } from '../../inference/spec/race.js';
import { promptSeed, streamKey, streamRoot } from '../../inference/spec/stream.js';
import { taggedHash } from '../../inference/spec/tagged.js';
import { devKeypair } from '../../keys/keypair.js';
import { fromHex, toHex } from '../../model/bytes.js';
import type { Environment } from '../../verification/environments/environment.js';
import { prefilled } from '../../verification/rollouts/audit.js';
import {
  attackRow,
  type Calibration,
  type Corpus,
  conformalQuantile,
  freedomPpmOf,
  mismatchBoundPpb,
} from '../../verification/rollouts/calibration.js';
import type { DrawRules } from '../../verification/rollouts/draw.js';
import { judgeRollout, type Subject, sequenceOf } from '../../verification/rollouts/judge.js';
import { treeOf } from '../../verification/rollouts/record.js';
import type { RolloutLiar } from './liars/liar.js';
import { type Judge, measure, type Rates } from './liars/meet.js';
import { corpusWindow, type Mining, mine, type Substitute } from './liars/window.js';

export interface CalibrationParts {
  readonly miner: LanguageModel;
  readonly verifier: LanguageModel;
  /** on the miner's engine; liars without theirs are left out */
  readonly substitutes: Partial<Readonly<Record<Substitute, LanguageModel>>>;
  readonly environment: Environment;
  readonly policy: Policy;
  readonly checkpointDigest: Uint8Array;
}

/** Numbers alone: a journal keeps it, and a run that was ended goes on behind it. */
export interface HonestWindow {
  readonly window: number;
  /** hex */
  readonly root: string;
  readonly tokens: number;
  /** of each rollout: twice the largest difference of a logit, in 2^-20, rounded up */
  readonly scores: readonly number[];
  /** sum over tokens of 1 - sum p^2 */
  readonly gini: number;
  /** rollouts found wrong under the tolerance */
  readonly wrong: number;
}

/** One window of honest rollouts, every position judged. @throws Error for logits that are no numbers */
export async function honestWindow(
  parts: CalibrationParts,
  { seed, window, groups, tolerance }: { seed: string; window: number; groups: number; tolerance: number },
  signal: AbortSignal,
): Promise<HonestWindow> {
  const { verifier, policy, environment } = parts;
  const mining = miningOf(parts, seed, groups)(window);
  const seen = new Map<string, Row[]>();
  const recording =
    (honest: Choose): Choose =>
    (row, of, position) => {
      const rows = seen.get(placeOf(of)) ?? [];
      rows[position] = row;
      seen.set(placeOf(of), rows);
      return honest(row, of, position);
    };
  const rollouts = await mine(mining, { choose: recording }, signal);
  const root = streamRoot(mining.window, mining.key.publicKey);
  const subjects = rollouts.map(
    ({ group, index, tokens }): Subject => ({
      prompt: environment.task(promptSeed(root, group)).prompt,
      tokens,
      key: streamKey(root, group, index),
    }),
  );
  const scores: number[] = [];
  let [tokens, gini, wrong] = [0, 0, 0];
  await prefilled(verifier, subjects.map(sequenceOf), signal, async (hidden, at, i) => {
    const subject = subjects[i]!;
    const theirs = seen.get(placeOf(rollouts[i]!))!; // every rollout was chosen by it
    let apart = 0;
    const onRow = ({ position, row }: { position: number; row: Row }): void => {
      apart = Math.max(apart, largestDifference(theirs[position]!, row));
      gini += impurity(row, temperatureOf(policy));
    };
    if (!hidden)
      throw new Error(`honest rollout ${i} of window ${window}: the verifier's model failed on it`);
    const judged = await judgeRollout(
      { model: verifier, policy, tolerance, onRow },
      { hidden, at, subject, positions: Array.from(subject.tokens, (_, position) => position) },
      signal,
    );
    if (judged.kind === 'fault') throw new Error(`honest rollout ${i} of window ${window}: ${judged.why}`);
    scores[i] = Math.ceil(2 * apart * MARGIN_UNIT);
    tokens += subject.tokens.length;
    if (judged.wrong) wrong++;
  });
  const tree = treeOf(rollouts, rollouts.length);
  return { window, root: toHex(tree.root), tokens, scores, gini, wrong };
}

const placeOf = ({ group, index }: Pick<Wanted, 'group' | 'index'>): string => `${group}/${index}`;

/** Of ids that both have: where the cut falls otherwise, the band stands for it. */
function largestDifference(one: Row, other: Row): number {
  const own = new Map(Array.from(one.ids, (id, i) => [id, one.logits[i]!]));
  let largest = 0;
  for (const [i, id] of other.ids.entries())
    largest = Math.max(largest, Math.abs((own.get(id) ?? other.logits[i]!) - other.logits[i]!));
  return largest;
}

function impurity({ logits }: Row, temperature: number): number {
  const weights = Array.from(logits, (logit) => exp((logit - logits[0]!) / temperature));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return 1 - weights.reduce((all, weight) => all + (weight / sum) ** 2, 0);
}

/** @returns the mining of a window's number, its groups as asked */
export const miningOf =
  (
    { miner, substitutes, environment, policy, checkpointDigest }: CalibrationParts,
    seed: string,
    groups: number,
  ) =>
  (window: number): Mining => ({
    model: miner,
    substitutes,
    environment,
    policy,
    window: corpusWindow(seed, window, { policy, checkpointDigest }),
    key: devKeypair('calibration'),
    victim: devKeypair('calibration victim'),
    groups,
  });

export interface CalibrationPlan {
  /** of all three; each has windows of its own */
  readonly seed: string;
  /** rollouts whose logits are compared, and their share beyond the quantile */
  readonly noiseRollouts: number;
  readonly alphaPpm: number;
  /** 2^-20; the quantile where that is more */
  readonly leastTolerance: number;
  readonly acceptanceRollouts: number;
  readonly liars: readonly RolloutLiar[];
  /** of each liar of tokens; those of bytes have one */
  readonly attackWindows: number;
  /** of every window */
  readonly groups: number;
  readonly draw: DrawRules;
  readonly weights: Calibration['weights'];
  readonly without: readonly string[];
}

/** What a run has done so far. */
export interface CalibrationJournal {
  readonly noise: readonly HonestWindow[];
  readonly acceptance: readonly HonestWindow[];
  readonly attacks: readonly Rates[];
}

export type CalibrationStep =
  | { readonly part: 'noise' | 'acceptance'; readonly result: HonestWindow }
  | { readonly part: 'attacks'; readonly result: Rates };

export const seedsOf = (seed: string) => ({
  noise: `${seed} noise`,
  acceptance: `${seed} acceptance`,
  attacks: `${seed} attacks`,
});

/** @param options.done of the same parts and plan, in order; `onStep` is told of what is added to it */
export async function calibrate(
  parts: CalibrationParts,
  plan: CalibrationPlan,
  { done, onStep }: { readonly done: CalibrationJournal; readonly onStep: (step: CalibrationStep) => void },
  signal: AbortSignal,
): Promise<Calibration> {
  const { environment, policy, miner, verifier } = parts;
  const { groups, draw, alphaPpm } = plan;
  const seeds = seedsOf(plan.seed);
  const perWindow = groups * policy.rolloutsPerGroup;

  const honest = async (part: 'noise' | 'acceptance', rollouts: number, tolerance: number) => {
    const windows = [...done[part]];
    const wanted = Math.ceil(rollouts / perWindow);
    for (let window = windows.length + 1; window <= wanted; window++) {
      const result = await honestWindow(parts, { seed: seeds[part], window, groups, tolerance }, signal);
      windows.push(result);
      onStep({ part, result });
    }
    return windows.slice(0, wanted);
  };

  const noise = await honest('noise', plan.noiseRollouts, 0);
  const quantile = conformalQuantile(
    noise.flatMap(({ scores }) => scores),
    alphaPpm,
  );
  const noiseCorpus = corpusOf(seeds.noise, noise);
  const giniPpm = Math.round((1e6 * noise.reduce((sum, { gini }) => sum + gini, 0)) / noiseCorpus.tokens);
  const tolerance = Math.max(quantile, plan.leastTolerance);
  const acceptance = await honest('acceptance', plan.acceptanceRollouts, tolerance);
  const acceptanceCorpus = corpusOf(seeds.acceptance, acceptance);
  const wrong = acceptance.reduce((sum, one) => sum + one.wrong, 0);
  const boundPpb = mismatchBoundPpb(wrong, acceptanceCorpus.rollouts);

  const judge: Judge = {
    model: verifier,
    environment,
    policy,
    rules: { draw, tolerance, bounds: [{ upTo: policy.maxTokens, ppb: boundPpb }], promptMillis: 0 },
    quota: perWindow,
    validator: devKeypair('calibration validator'),
  };
  const known = new Map(done.attacks.map((rates) => [rates.name, rates]));
  const rows = [];
  for (const liar of plan.liars) {
    if (liar.runs && !parts.substitutes[liar.runs]) continue;
    let rates = known.get(liar.name);
    if (!rates) {
      const windows = liar.of === 'bytes' ? 1 : plan.attackWindows;
      rates = await measure(
        judge,
        liar,
        { windows, miningOf: miningOf(parts, seeds.attacks, groups) },
        signal,
      );
      onStep({ part: 'attacks', result: rates });
    }
    const { name, windows, missed, judged } = rates;
    const counts = { name, checks: liar.caughtBy, of: liar.of, windows, missed, judged, wrong: rates.wrong };
    rows.push(attackRow(counts, draw.rollouts, boundPpb));
  }
  const { id, version, digest } = environment;
  return {
    miner: miner.profile,
    verifier: verifier.profile,
    environment: { id, version, digest },
    policy,
    weights: plan.weights,
    draw,
    noise: { ...noiseCorpus, alphaPpm, quantile, giniPpm },
    tolerance,
    acceptance: { ...acceptanceCorpus, wrong, boundPpb },
    freedomPpm: freedomPpmOf(tolerance, giniPpm, policy.maxTokens),
    attacks: { seed: seeds.attacks, rows },
    without: plan.without,
  };
}

const corpusOf = (seed: string, windows: readonly HonestWindow[]): Corpus => ({
  seed,
  rollouts: windows.reduce((sum, { scores }) => sum + scores.length, 0),
  tokens: windows.reduce((sum, { tokens }) => sum + tokens, 0),
  digest: taggedHash('corpus-digest', ...windows.map(({ root }) => fromHex(root))),
});
