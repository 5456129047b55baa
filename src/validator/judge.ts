// Owns: verdicts about content. Does not own: what travelled (dispatch.ts), storing it (ledger/).
import { fromHex } from '../model/bytes.js';
import { type Credit, creditShare, NO_CREDIT } from '../model/credit.js';
import { sha256 } from '../model/hash.js';
import type { Log } from '../model/log.js';
import type { Random } from '../model/prng.js';
import { inconclusive, type Verdict } from '../model/verdict.js';
import { passSeed, slotPlace, slotSeed } from '../verification/seed.js';
import type { EventFrame, Played } from './dispatch.js';
import { type SessionOutcome, type Verifiers, verifyHere } from './verifiers.js';

export interface Judged {
  readonly played: Played;
  /** 32 bytes; undefined when the session never came to a Commit */
  readonly seed: Uint8Array | undefined;
  /** SHA-256 of a complete opening, whatever became of its bytes since */
  readonly openingDigest: Uint8Array | undefined;
  readonly verdict: Verdict;
  /** empty and 0 unless accepted */
  readonly credit: Credit;
  readonly share: number;
}

export interface Judge {
  /** Takes the opening of what was played: its bytes are gone afterwards. */
  judge(played: Played): Promise<Judged>;
  /** Forgets the projections; nobody may be judged afterwards. */
  close(): void;
}

/**
 * The judge of one event: must not be asked before the event's window is over. The private projections are drawn at
 * the first complete opening, after the last commit of the event, once per parameter set; nothing else ever holds them.
 * @param parts.verifiers who verifies. @default this thread
 * @param parts.outcomeOf what makes a session's outcome where this process does not live to. @default nothing does
 */
export function createJudge(
  parts: {
    random: Random;
    log: Log;
    publicKeyOf: (hotkey: string) => Uint8Array;
    verifiers?: Verifiers | undefined;
    outcomeOf?: ((judged: Judged) => SessionOutcome) | undefined;
  },
  event: EventFrame,
  beacon: Uint8Array,
): Judge {
  const { random, verifiers = verifyHere } = parts;
  const verifier = verifiers.forEvent({ id: event.id, basis: event.basis, random });

  return {
    async judge(played) {
      const { task } = played;
      const seed = played.commits[0] && seedOf(played, played.commits[0].nonces);
      const openingDigest = played.openedAt === undefined ? undefined : sha256(played.opening);
      const nobodys = { verdict: inconclusive('validator-fault'), credit: NO_CREDIT, share: 0 };
      const unjudged: Judged = { played, seed, openingDigest, ...nobodys };
      const verdict = played.end ?? (await verify(unjudged, seed!));
      const accepted = verdict.kind === 'accepted';
      const credit = (accepted && task.kind.credit(task.params, commitsOf(played))) || NO_CREDIT;
      const share = creditShare(credit, task.facts.nominal);
      return { played, seed, openingDigest, verdict, credit, share };
    },
    close: () => verifier.close(),
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

  async function verify(unjudged: Judged, seed: Uint8Array): Promise<Verdict> {
    const { played } = unjudged;
    const { task, brief, request, opening } = played;
    const { kind, params, claim, neuron } = task;
    try {
      const place = slotPlace({
        hotkey: parts.publicKeyOf(neuron.hotkey),
        worker: claim.worker,
        slot: claim.index,
      });
      const { verdict } = await verifier.verify({
        kind,
        paramsId: claim.paramsId,
        challenge: { params, basis: event.basis, seed, place, brief },
        evidence: { commits: commitsOf(played), pass: passOf(played, seed), request, opening },
        from: neuron.hotkey,
        again: () => Buffer.concat(played.pieces),
        outcome: parts.outcomeOf?.(unjudged),
      });
      return verdict;
    } catch (error) {
      // verify is total: whatever it throws is a fault of ours, and threads that die have been asked again (second-try.ts)
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
