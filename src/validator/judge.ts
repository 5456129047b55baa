// Owns: verdicts about content. Does not own: what travelled (dispatch.ts), storing it (ledger/).
import { fromHex } from '../model/bytes.js';
import { type Credit, creditShare, NO_CREDIT } from '../model/credit.js';
import type { Log } from '../model/log.js';
import type { Random } from '../model/prng.js';
import { inconclusive, type Verdict } from '../model/verdict.js';
import { slotSeed } from '../verification/seed.js';
import type { EventFrame, Played } from './dispatch.js';

export interface Judged {
  readonly played: Played;
  /** 32 bytes; undefined when the session never came to a Commit */
  readonly seed: Uint8Array | undefined;
  readonly verdict: Verdict;
  /** empty and 0 unless accepted */
  readonly credit: Credit;
  readonly share: number;
}

/**
 * The judge of one event: must not be asked before the event's window is over. The private projections are drawn at
 * the first complete opening, after the last commit of the event, once per parameter set; nothing else ever holds them.
 */
export function createJudge(
  parts: { random: Random; log: Log; publicKeyOf: (hotkey: string) => Uint8Array },
  event: EventFrame,
  beacon: Uint8Array,
): (played: Played) => Judged {
  const secrets = new Map<string, unknown>();

  return (played) => {
    const { task } = played;
    const seed = played.commit && seedOf(played);
    const verdict = played.end ?? verify(played, seed!);
    const proven = verdict.kind === 'accepted' ? task.kind.credit(task.params, commitsOf(played)) : undefined;
    const credit = proven ?? NO_CREDIT;
    return { played, seed, verdict, credit, share: creditShare(credit, task.facts.nominal) };
  };

  function seedOf({ task, nonces }: Played): Uint8Array {
    const { claim, neuron } = task;
    return slotSeed({
      beacon,
      nonces,
      hotkey: parts.publicKeyOf(neuron.hotkey),
      worker: claim.worker,
      slot: claim.index,
      eventId: event.id,
      paramsId: fromHex(claim.paramsId),
    });
  }

  function verify(played: Played, seed: Uint8Array): Verdict {
    const { task, request, opening } = played;
    const { kind, params, claim } = task;
    try {
      const key = `${claim.kind}/${claim.paramsId}`;
      if (!secrets.has(key)) secrets.set(key, kind.drawSecret(params, event.basis, parts.random));
      return kind.verify(
        { params, basis: event.basis, seed },
        { commits: commitsOf(played), request, opening },
        secrets.get(key),
      );
    } catch (error) {
      // verify is total: whatever it throws is a fault of ours and costs the miner nothing
      parts.log.error('verification failed on our side', {
        miner: task.neuron.hotkey,
        slot: claim.index,
        error,
      });
      return inconclusive('validator-fault');
    }
  }
}

const commitsOf = ({ commit }: Played): Uint8Array[] => {
  const body = commit?.frame.body;
  return body?.case === 'commit' ? [body.value.body] : [];
};
