// Owns: what an attack is: a simulated miner with a strength, and the bound that it must not beat. Does not own: how often it is run (run.ts).
import type { Random } from '../../model/prng.js';

/** What came of one run: one session of a liar, or one event or epoch of somebody who shares, waits or buys in. */
export interface Attempt {
  /** whether the verifier accepted; where all of it is accepted anyway, whether more was credited than there is */
  readonly accepted: boolean;
  /** in devices: 1 is what an honest device of the class earns in the same time */
  readonly credit: number;
  /** chance by the formula for this very run, where it hangs on the challenge; else `bound` says it */
  readonly chance?: number;
}

export type Run = (strength: number, random: Random) => Promise<Attempt>;

export interface Attack {
  readonly kind: string;
  /** lower-case kebab, unique within its kind */
  readonly name: string;
  /** a sentence without a stop that goes on from "a miner that": `fills rows with random bytes` */
  readonly what: string;
  /** the weakness by the name that it had where it was found, in a few words */
  readonly origin: string;
  /** what the strength counts: `share of the rows`, `slots on one device` */
  readonly strength: string;
  /** those of the table, ascending */
  readonly strengths: readonly number[];
  /** what the formula bounds: how often it is accepted, or what any run of it is credited */
  readonly bounds: 'acceptance' | 'credit';
  bound(strength: number): number;
  /** the formula is what happens, not only its upper bound: far fewer means an attacker that does not do its best */
  readonly tight?: boolean;
  /** in devices: what the attacker's own devices and work would earn without lying */
  own(strength: number): number;
  readonly run: Run;
  /** the rule that stops it, in a few words */
  readonly stoppedBy: string;
  /**
   * The same attacker where the rule is missing, or as it was first designed. Required where it is never credited more than its
   * own with the rule: an attack that succeeds nowhere tests nothing.
   */
  readonly without?: {
    readonly rule: string;
    readonly run: Run;
    /** @default those of the attack */
    readonly strengths?: readonly number[];
  };
  /** a run is so long that the table makes no more than this many */
  readonly atMostRuns?: number;
}

/** An attack with its parts checked once, where it is defined. @throws TypeError */
export function defineAttack(attack: Attack): Attack {
  const at = `${attack.kind}/${attack.name}`;
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(attack.name))
    throw new TypeError(`${at}: expected a name in lower-case kebab of at most 40 characters`);
  const ascending = attack.strengths.every((strength, i) => i === 0 || strength > attack.strengths[i - 1]!);
  if (attack.strengths.length === 0 || !ascending)
    throw new TypeError(`${at}: expected ascending strengths, got ${attack.strengths.join(', ')}`);
  return attack;
}
