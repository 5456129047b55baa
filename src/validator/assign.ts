// Owns: which claims become tasks of an event. Pure. Does not own: asking for claims (roster.ts).
import type { ChainInfo, Neuron } from '../chain/chain.js';
import type { Log } from '../model/log.js';
import { phasesMs } from '../parameters/phases.js';
import { SESSION_LIMITS } from '../protocol/limits.js';
import type { Hold } from '../verification/draw.js';
import type { ParamsFacts, ProofKind } from '../verification/proof.js';
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
  /** the hotkey's statement by which the slot is in maintenance at the event's block; absent where it is not */
  readonly declared?: Uint8Array | undefined;
}

/** Our Go leaves at most `goLeadMs` late, our delay is given back, and what was in time may be read a little later. */
const endOfGoMs = (facts: ParamsFacts): number => facts.goLeadMs + phasesMs(facts, 'go') * 1.01 + 100;

/**
 * Claims under kinds and parameter sets that this validator knows; simulated devices only where the chain is not live; slots
 * with a Pass only where their phases of Go are over when it comes; slots that work with one another only at our turn, and no
 * more of one hotkey than a draw over all of them can bear.
 */
export function assign(
  kinds: ProofKinds,
  rules: {
    readonly chain: Pick<ChainInfo, 'type' | 'blockTimeMs'>;
    readonly hold: Hold;
    /** @default any length that sessions may have */
    readonly withinMs?: number | undefined;
    readonly isOurTurn: boolean;
    /** by which statement a worker is in maintenance. @default none is */
    readonly declaredOf?: ((worker: string) => Uint8Array | undefined) | undefined;
    readonly log: Log;
  },
  neuron: Neuron,
  claims: readonly Claim[],
): Task[] {
  const { chain, hold, withinMs = Number.POSITIVE_INFINITY, isOurTurn, declaredOf, log } = rules;
  const holdMs = hold.first * chain.blockTimeMs;
  const meeting = new Map<string, number>();
  return claims.flatMap((claim) => {
    const kind = kinds[claim.kind];
    const params = kind?.table.get(claim.paramsId);
    if (!kind || params === undefined) return [];
    const facts = kind.facts(params);
    if (facts.localnetOnly && chain.type === 'live') return [];
    if (kind.round && !isOurTurn) return [];
    const met = meeting.get(claim.kind) ?? 0;
    if (kind.round && met === SESSION_LIMITS.meetingSlotsPerMiner) return [];
    if (phasesMs(facts, 'pass') > 0 && endOfGoMs(facts) > holdMs) {
      const needsMs = endOfGoMs(facts);
      log.warn('slot not challenged: raise holdBlocks.first', { class: facts.className, needsMs, holdMs });
      return [];
    }
    if (endOfGoMs(facts) > withinMs) {
      log.warn('slot not checked: raise leadBlocks', {
        class: facts.className,
        needsMs: endOfGoMs(facts),
        withinMs,
      });
      return [];
    }
    meeting.set(claim.kind, met + 1);
    const declared = declaredOf?.(claim.worker);
    return [{ neuron, claim, kind, params, facts, ...(declared ? { declared } : {}) }];
  });
}
