// Owns: which policy counts in an epoch, and with it which plan of events. Does not own: where the file comes from (parameters),
// what it says (scoring/policy.ts), what is paid by it (score.ts).
import type { Parameters } from '../parameters/parameters.js';
import { readPolicy, type ScoringPolicy } from '../scoring/policy.js';
import type { ScoringRule } from '../scoring/rules.js';
import { type EventPlan, holdOf } from './schedule.js';

/** What an epoch goes by. */
export interface Rules {
  /** lower-case hex, where the owner published one */
  readonly digest?: string | undefined;
  /** undefined where the owner published none, and where `whyNot` says so */
  readonly policy?: ScoringPolicy | undefined;
  readonly plan: EventPlan;
  /** Nothing is asked and no weights are set: by other rules than the subnet's they would count against whoever goes by them. */
  readonly whyNot?: string | undefined;
}

/**
 * A policy's plan where it has one, else this validator's own: of a subnet whose owner says nothing about events, all validators
 * have to be told the same.
 * @param plan of an epoch without a published one
 * @param rules of the subnet's own that a policy may name; one that names another is no use
 */
export function createPolicies(
  parameters: Pick<Parameters, 'policyIn'>,
  plan: EventPlan,
  rules: readonly ScoringRule[] = [],
): { in(epoch: number): Rules } {
  /** the newest two: those of this epoch and of the one before */
  const read = new Map<string, Pick<Rules, 'policy' | 'whyNot'>>();

  function rulesOf(digest: string, bytes: Uint8Array): Pick<Rules, 'policy' | 'whyNot'> {
    const known = read.get(digest);
    if (known) return known;
    const own = parsed(digest, bytes, rules);
    if (read.size >= 2) read.delete(read.keys().next().value!); // not empty
    read.set(digest, own);
    return own;
  }

  return {
    in(epoch) {
      const { digest, bytes, whyNot } = parameters.policyIn(epoch);
      if (whyNot !== undefined) return { digest, plan, whyNot };
      if (digest === undefined || bytes === undefined) return { plan };
      const own = rulesOf(digest, bytes);
      return { digest, plan: own.policy?.schedule ?? plan, ...own };
    },
  };
}

function parsed(
  digest: string,
  bytes: Uint8Array,
  rules: readonly ScoringRule[],
): Pick<Rules, 'policy' | 'whyNot'> {
  try {
    const policy = readPolicy(bytes, undefined, rules);
    if (policy.schedule) holdOf(policy.schedule);
    return { policy };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { whyNot: `policy ${digest.slice(0, 16)} is no use: ${why}` };
  }
}
