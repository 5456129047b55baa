// Owns: liars whose bytes are in order: tokens that the window's model and stream did not choose. Does not own: those of bytes
// (byte-liars.ts).
import type { Choose } from '../../../inference/generate.js';
import type { Row } from '../../../inference/spec/race.js';
import { promptSeed, streamRoot } from '../../../inference/spec/stream.js';
import { taggedHash } from '../../../inference/spec/tagged.js';
import { u32le } from '../../../model/bytes.js';
import type { Rollout } from '../../../verification/rollouts/rollout.js';
import type { RolloutLiar } from './liar.js';
import { type Deviation, handIn, type Mining, mine, SUBSTITUTES, type Substitute } from './window.js';

/** Rollouts judged whole have no sentinel: the margin covers what it would see. */
const MARGIN = ['margin'] as const;

const deviating = (
  name: string,
  lie: string,
  deviation: (mining: Mining) => Deviation,
  caughtBy: RolloutLiar['caughtBy'] = MARGIN,
): RolloutLiar => ({
  name,
  lie,
  caughtBy,
  of: 'tokens',
  make: async (mining, signal) => handIn(mining, await mine(mining, deviation(mining), signal)),
});

const editing = (
  name: string,
  lie: string,
  edit: (rollout: Rollout, mining: Mining) => Rollout,
): RolloutLiar => ({
  name,
  lie,
  caughtBy: MARGIN,
  of: 'tokens',
  make: async (mining, signal) =>
    handIn(
      mining,
      (await mine(mining, {}, signal)).map((rollout) => edit(rollout, mining)),
    ),
});

const SUBSTITUTED: Readonly<Record<Substitute, { readonly lie: string; readonly isCaught: boolean }>> = {
  int8: { lie: 'runs weights of 8 bits, 32 to a scale', isCaught: true },
  int4: { lie: 'runs weights of 4 bits, 32 to a scale', isCaught: true },
  // a step moves too little: what it changes is below any tolerance, or nothing at all
  'stale-1': { lie: 'runs the weights of one step before', isCaught: false },
  'stale-2': { lie: 'runs the weights of two steps before', isCaught: false },
  'stale-5': { lie: 'runs the weights of five steps before', isCaught: true },
  'stale-10': { lie: 'runs the weights of ten steps before', isCaught: true },
};

const substituting = (runs: Substitute): RolloutLiar => ({
  name: runs,
  lie: SUBSTITUTED[runs].lie,
  caughtBy: SUBSTITUTED[runs].isCaught ? MARGIN : [],
  of: 'tokens',
  runs,
  async make(mining, signal) {
    const model = mining.substitutes[runs];
    if (!model) throw new RangeError(`substitutes: expected ${runs}`);
    return handIn(mining, await mine(mining, { model }, signal));
  },
});

const ownRoot = ({ window, key }: Mining): Uint8Array => streamRoot(window, key.publicKey);

const without = ({ ids, logits }: Row, gone: (id: number) => boolean): Row => {
  const kept = [...ids.keys()].filter((i) => !gone(ids[i]!));
  return {
    ids: Int32Array.from(kept, (i) => ids[i]!),
    logits: Float32Array.from(kept, (i) => logits[i]!),
  };
};

/** At one place of a rollout what came second in its race; what follows is honest. */
const steered =
  (isSteered: (rollout: number) => boolean, perGroup: number) =>
  (honest: Choose): Choose =>
  (row, of, position) => {
    const token = honest(row, of, position);
    const rollout = of.group * perGroup + of.index;
    if (position !== rollout % 3 || !isSteered(rollout)) return token;
    return honest(
      without(row, (id) => id === token),
      of,
      position,
    );
  };

const SAMPLES = 4;

/** Each sample on a stream of its own; the best graded of them. */
async function bestOfSamples(mining: Mining, signal: AbortSignal): Promise<Rollout[]> {
  const { environment } = mining;
  const root = ownRoot(mining);
  let best: { rollout: Rollout; reward: number }[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const made = await mine(mining, { root: taggedHash('best-of-n', root, u32le(sample)) }, signal);
    const rewards = await rewardsOf(mining, made, signal);
    best = made.map((rollout, i) =>
      best[i] && best[i].reward >= rewards[i]! ? best[i] : { rollout, reward: rewards[i]! },
    );
  }
  return best.map(({ rollout }) => rollout);

  async function rewardsOf(of: Mining, made: readonly Rollout[], until: AbortSignal): Promise<number[]> {
    const rewards: number[] = [];
    for (const { group, tokens } of made) {
      const grade = await environment.grade(environment.task(promptSeed(ownRoot(of), group)), tokens, until);
      rewards.push(grade.kind === 'graded' ? grade.rewardMillis : 0);
    }
    return rewards;
  }
}

const EXTRA_GROUPS = 2;

export const tokenLiars: readonly RolloutLiar[] = [
  deviating('other-seed', 'samples from the right model without the stream', (mining) => ({
    root: taggedHash('other-seed', ownRoot(mining)),
  })),
  {
    name: 'best-of-4',
    lie: 'samples every rollout four times without the stream, and hands in the best graded',
    caughtBy: MARGIN,
    of: 'tokens',
    make: async (mining, signal) => handIn(mining, await bestOfSamples(mining, signal)),
  },
  ...SUBSTITUTES.map(substituting),
  ...[0.7, 0.9].map((factor) =>
    deviating(`temperature-${factor}`, `samples at ${factor} of the temperature`, ({ policy }) => ({
      policy: { ...policy, temperature: String(factor * Number(policy.temperature)) },
    })),
  ),
  deviating(
    'eos-suppressed',
    'never ends: the stop ids are left out of the race, and every rollout goes on to the maximum',
    ({ policy }) => ({
      choose: (honest) => (row, of, position) =>
        honest(
          without(row, (id) => policy.stopIds.includes(id)),
          of,
          position,
        ),
    }),
    ['margin', 'sentinel'],
  ),
  editing('eos-early', 'ends rollouts at half of their length', (rollout, { policy }) => {
    const tokens = rollout.tokens.slice(0, Math.max(1, rollout.tokens.length >> 1));
    tokens[tokens.length - 1] = policy.stopIds[0]!;
    return { ...rollout, stop: 'eos', tokens };
  }),
  editing('padded', 'repeats a token from the fourth on, to the maximum', (rollout, { policy }) => {
    const tokens = new Uint32Array(policy.maxTokens);
    const kept = rollout.tokens.filter((token) => !policy.stopIds.includes(token)).subarray(0, 4);
    tokens.fill(kept.at(-1) ?? 0);
    tokens.set(kept);
    return { ...rollout, stop: 'cap', tokens };
  }),
  deviating('prompt-swapped', "answers the first group's prompt in every group", () => ({
    promptGroup: () => 0,
  })),
  {
    name: 'group-renumbered',
    lie: 'works on two groups more, leaves out the first two, and numbers the rest anew',
    caughtBy: MARGIN,
    of: 'tokens',
    async make(mining, signal) {
      const all = await mine(mining, { groups: mining.groups + EXTRA_GROUPS }, signal);
      const kept = all.filter(({ group }) => group >= EXTRA_GROUPS);
      return handIn(
        mining,
        kept.map((rollout) => ({ ...rollout, group: rollout.group - EXTRA_GROUPS })),
      );
    },
  },
  {
    name: 'copied',
    lie: "hands in another miner's rollouts under its own name",
    caughtBy: MARGIN,
    of: 'tokens',
    make: async (mining, signal) => handIn(mining, await mine(mining, { key: mining.victim }, signal)),
  },
  deviating('steered', 'takes the second of the race once in every rollout', ({ policy }) => ({
    choose: steered(() => true, policy.rolloutsPerGroup),
  })),
  deviating('steered-tenth', 'takes the second of the race once in every tenth rollout', ({ policy }) => ({
    choose: steered((rollout) => rollout % 10 === 0, policy.rolloutsPerGroup),
  })),
];
