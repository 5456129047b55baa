// Owns: a liar of any kind as the run of an attack: one session, judged by the real verifier. Does not own: the liars (liars/).
import type { Random } from '../../model/prng.js';
import type { Liar } from '../conformance/proof.js';
import type { Attempt, Run } from './attack.js';
import { drawChallenge, type Prove, type Subject, walk } from './session.js';

/** What is accepted is credited a device, whatever of it was done. */
export const accepting = (accepted: boolean): Attempt => ({ accepted, credit: accepted ? 1 : 0 });

/** A session as it should be, whose device does what it likes: accepted where the rule is missing. */
export const honestRun =
  <Params, Secret>(subject: Subject<Params, Secret>): Run =>
  async (_, random) =>
    accepting((await walk(subject, random)).verdict.kind === 'accepted');

/**
 * @param liar made anew for each run, with randomness of its own
 * @param credit what acceptance at a strength is credited @default one device
 */
export const lyingRun =
  <Params, Secret>(
    subject: Subject<Params, Secret>,
    liar: (strength: number, random: Random) => Liar<Params>,
    credit: (strength: number) => number = () => 1,
  ): Run =>
  async (strength, random) => {
    const lying = liar(strength, random);
    const challenge = drawChallenge(subject.params, random);
    const prove: Prove<Params> = lying.prove.bind(lying);
    const walked = await walk(subject, random, { challenge, prove });
    const accepted = walked.verdict.kind === 'accepted';
    return {
      accepted,
      credit: accepted ? credit(strength) : 0,
      chance: lying.acceptance(walked.challenge),
    };
  };
