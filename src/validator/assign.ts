// Owns: which claims become tasks of an event. Pure. Does not own: asking for claims (roster.ts).
import type { ChainInfo, Neuron } from '../chain/chain.js';
import { SESSION_LIMITS } from '../protocol/limits.js';
import { type ParamsFacts, type ProofKind, windowMs } from '../verification/proof.js';
import type { Claim } from './roster.js';

/** Kinds by name; what a kind's own parameters and secrets are is the kind's business. */
export type ProofKinds = Readonly<Record<string, ProofKind<unknown, unknown> | undefined>>;

/** One proof of one slot in one event. */
export interface Task {
  readonly neuron: Neuron;
  readonly claim: Claim;
  readonly kind: ProofKind<unknown, unknown>;
  readonly params: unknown;
  readonly facts: ParamsFacts;
}

/** @throws RangeError when a parameter set's window is longer than miners of other sets keep their slots for */
export function assertWindows(kinds: ProofKinds): void {
  for (const kind of Object.values(kinds))
    for (const params of kind?.table.values() ?? []) {
      const facts = kind!.facts(params);
      const longestMs = windowMs(facts);
      if (longestMs > SESSION_LIMITS.windowMs)
        throw new RangeError(
          `${kind!.kind}/${facts.className}: expected a window of at most ${SESSION_LIMITS.windowMs} ms, got ${longestMs}`,
        );
    }
}

/** Claims under kinds and parameter sets that this validator knows; simulated devices only where the chain is not live. */
export function assign(
  kinds: ProofKinds,
  chain: Pick<ChainInfo, 'type'>,
  neuron: Neuron,
  claims: readonly Claim[],
): Task[] {
  return claims.flatMap((claim) => {
    const kind = kinds[claim.kind];
    const params = kind?.table.get(claim.paramsId);
    if (!kind || params === undefined) return [];
    const facts = kind.facts(params);
    if (facts.localnetOnly && chain.type === 'live') return [];
    return [{ neuron, claim, kind, params, facts }];
  });
}
