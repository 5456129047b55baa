// Owns: verdicts about content. Does not own: what travelled (dispatch.ts), storing it (ledger/).
import { fromHex } from '../model/bytes.js';
import { type Credit, creditShare, NO_CREDIT } from '../model/credit.js';
import type { Log } from '../model/log.js';
import type { Random } from '../model/prng.js';
import { inconclusive, type Verdict } from '../model/verdict.js';
import { passSeed, slotPlace, slotSeed } from '../verification/seed.js';
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
    const seed = played.commits[0] && seedOf(played, played.commits[0].nonces);
    const verdict = played.end ?? verify(played, seed!);
    const proven = verdict.kind === 'accepted' ? task.kind.credit(task.params, commitsOf(played)) : undefined;
    const credit = proven ?? NO_CREDIT;
    return { played, seed, verdict, credit, share: creditShare(credit, task.facts.nominal) };
  };

  function seedOf({ task }: Played, nonces: readonly Uint8Array[]): Uint8Array {
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
    const { task, brief, request, opening } = played;
    const { kind, params, claim, neuron } = task;
    try {
      const key = `${claim.kind}/${claim.paramsId}`;
      if (!secrets.has(key)) secrets.set(key, kind.drawSecret(params, event.basis, parts.random));
      const place = slotPlace({
        hotkey: parts.publicKeyOf(neuron.hotkey),
        worker: claim.worker,
        slot: claim.index,
      });
      return kind.verify(
        { params, basis: event.basis, seed, place, brief },
        { commits: commitsOf(played), pass: passOf(played, seed), request, opening },
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

const commitsOf = ({ commits }: Played): Uint8Array[] => commits.map(({ body }) => body);

/** Of a complete session: its last Commit lists the nonces of the Pass. */
function passOf({ pass, commits }: Played, seed: Uint8Array): Uint8Array | undefined {
  if (!pass?.seen) return undefined;
  return passSeed({ seed, beacon: pass.seen.hash, nonces: commits.at(-1)!.nonces });
}
