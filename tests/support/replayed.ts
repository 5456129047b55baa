// Owns: judging again what a journal would hold, without a folder. Does not own: how a folder keeps it (ledger.test.ts).
import { concat } from '../../src/model/bytes.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { verdictToString } from '../../src/model/verdict.js';
import { verifyChain } from '../../src/protocol/evidence.js';
import type { ProofKinds } from '../../src/validator/assign.js';
import type { OutcomeEntry, StoredFrame } from '../../src/validator/ledger/entries.js';
import { type ReplayCheck, replayOutcome } from '../../src/validator/ledger/replay.js';
import { toyKind } from './toy-kind.js';

/** Verdict of the replay, and the checks that failed. */
export async function replayed(
  entry: OutcomeEntry,
  params: object | undefined,
  kinds: ProofKinds = { toy: toyKind() },
): Promise<[verdict: string, wrong: readonly ReplayCheck[]]> {
  const openings: Uint8Array[] = [];
  const frames = entry.session.frames.map((frame): StoredFrame => {
    if (frame.kind !== 'opening') return frame;
    openings.push(frame.body);
    return { ...frame, body: { bytes: frame.body.length, digest: new Uint8Array(32) } };
  });
  const { checks, verdict } = await replayOutcome(
    {
      ledger: {
        find: async () => ({ ...entry, session: { ...entry.session, frames } }),
        readOpening: async () => concat(...openings),
        readParams: async () => params,
      },
      kinds,
      random: createSeededRandom('replay'),
      verifyChain,
    },
    entry.outcome.id,
  );
  const wrong = checks.filter(({ ok, name }) => !ok && name !== 'opening bytes'); // their digests are a folder's
  return [verdictToString(verdict), wrong];
}
