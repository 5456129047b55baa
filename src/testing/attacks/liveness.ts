// Owns: attacks on `liveness`: liars of its chain, and what a CPU that passes it gains. Does not own: the provers (liars/liveness.ts).
import { createPackedCompute } from '../../compute/cpu/packed.js';
import type { Random } from '../../model/prng.js';
import { encodeCommit } from '../../verification/kinds/compute/codec.js';
import type { ComputeSecret } from '../../verification/kinds/compute/secret.js';
import { livenessProof } from '../../verification/kinds/liveness/index.js';
import { type LivenessParams, livenessParamsByClass } from '../../verification/kinds/liveness/params.js';
import { createResource } from '../devices/model.js';
import { answersFromCpu, DECAY, type LivenessLiar, livenessLiars, unearnedHours } from '../liars/liveness.js';
import { createVirtualClock } from '../virtual-clock.js';
import { type Attack, defineAttack } from './attack.js';
import { lyingRun } from './content.js';
import { type Subject, walk } from './session.js';

const SMALL: LivenessParams = { ...livenessParamsByClass('live-small')!, n: 64, labels: 8, samples: 16 };

export const livenessSubject: Subject<LivenessParams, ComputeSecret> = {
  kind: livenessProof,
  params: SMALL,
  devices: { compute: createPackedCompute() },
};

/** One of the conformance suite's liars, by a word of its name. */
const liarNamed =
  (word: string) =>
  (_: number, random: Random): LivenessLiar =>
    livenessLiars(random).find(({ name }) => name.includes(word))!; // a name of that file

const REAL = livenessParamsByClass('live')!;

/** Whether so many operations a second answer a real check in time, over a way of 20 ms there and back. */
async function answersInTime(opsPerS: number): Promise<boolean> {
  const clock = createVirtualClock(0);
  const chip = createResource({ clock, perS: opsPerS });
  await clock.runUntil(chip.take(2 * REAL.n ** 3 * REAL.labels));
  return clock.monotonic() + 20 <= REAL.windowMs;
}

/** What the kind's own credit says of an accepted check: nothing. */
const CREDITED = Object.keys(
  livenessProof.credit(REAL, [encodeCommit({ labels: REAL.labels, root: new Uint8Array(32) })]) ?? {},
).length;

export const livenessAttacks: readonly Attack[] = [
  defineAttack({
    kind: 'liveness',
    name: 'fabricated-rows',
    what: 'fills an eighth of the rows with random bytes',
    origin: 'skipped work',
    strength: 'share of the rows of every label',
    strengths: [1 / 8],
    bounds: 'acceptance',
    bound: (share) => (1 - share) ** SMALL.samples,
    tight: true,
    own: (share) => 1 - share,
    run: lyingRun(livenessSubject, liarNamed('12.5 % of the rows of every label and opens forged')),
    stoppedBy: 'samples, as in compute',
  }),
  defineAttack({
    kind: 'liveness',
    name: 'borrowed-answer',
    what: 'answers with valid work for another seed',
    origin: 'replay',
    strength: 'sessions answered so, of one',
    strengths: [1],
    bounds: 'acceptance',
    bound: () => 0,
    own: () => 0,
    run: lyingRun(livenessSubject, liarNamed('another seed')),
    stoppedBy: 'a root that binds the seed',
    without: {
      rule: "the seed is the sender's word",
      async run(_, random) {
        const accepted = (await walk(livenessSubject, random)).verdict.kind === 'accepted';
        return { accepted, credit: accepted ? 1 : 0 };
      },
    },
  }),
  defineAttack({
    kind: 'liveness',
    name: 'cpu-liveness',
    what: 'proved a card once, gave it back, and answers from a CPU',
    origin: 'a check so small that a CPU passes it',
    strength: 'operations a second, in 10^12, of the CPU',
    strengths: [0.1, 0.3, 1.4],
    bounds: 'credit',
    bound: () => 0,
    own: () => 0,
    async run(tera, random) {
      const passes =
        (await answersInTime(tera * 1e12)) &&
        (await lyingRun(livenessSubject, () => answersFromCpu)(1, random)).accepted;
      return { accepted: passes, credit: passes ? CREDITED : 0 };
    },
    stoppedBy: 'a check that credits nothing and does not pause decay',
    without: {
      rule: 'a check that is passed keeps the credit of the last full proof',
      async run(tera) {
        const passes = await answersInTime(tera * 1e12);
        return { accepted: passes, credit: passes ? 1 : 0 };
      },
    },
  }),
  defineAttack({
    kind: 'liveness',
    name: 'slowed-decay',
    what: 'has given its card back and lives on its last full proof for as long as checks slow its decay',
    origin: 'decay that the cheap check holds up',
    strength: 'hours that a scoring rule lets checks slow the decay',
    strengths: [0, 24],
    bounds: 'credit',
    // of the policy that docs/proofs/liveness.md allows; in hours of a card that is no longer there
    bound: () => unearnedHours(DECAY),
    own: () => unearnedHours({ ...DECAY, slowedHours: 0 }),
    run: async (hours) => {
      const credit = unearnedHours({ ...DECAY, slowedHours: hours });
      return { accepted: credit > unearnedHours({ ...DECAY, slowedHours: 0 }), credit };
    },
    stoppedBy: 'at most twice the half-life, for at most 24 hours',
    without: {
      rule: 'decay is paused as long as checks are passed, here for a month',
      strengths: [720],
      run: async (hours) => ({
        accepted: true,
        credit: unearnedHours({ ...DECAY, slowedHalfLifeHours: 1e9, slowedHours: hours }),
      }),
    },
  }),
];
