// Owns: turning what was played and judged into the journal's entries and the miner's receipts.

import { concat, fromHex, toHex, u32le, utf8 } from '../model/bytes.js';
import { sha256 } from '../model/hash.js';
import type { Hotkey } from '../model/ids.js';
import type { Outcome } from '../model/outcome.js';
import type { Verdict } from '../model/verdict.js';
import { VerdictKind } from '../protocol/gen/assay/v1/miner_pb.js';
import type { FrameBody } from '../protocol/session.js';
import type { EventFrame } from './dispatch.js';
import type { Judged } from './judge.js';
import type { OutcomeEntry } from './ledger/entries.js';
import type { Sight } from './reach.js';

export function toOutcomeEntry(
  judged: Judged,
  event: EventFrame & { epoch: number; netuid: number; byTurn?: boolean | undefined },
  facts: { beacon: Uint8Array; validator: Hotkey; at: number },
): OutcomeEntry {
  const { played, seed, openingDigest, verdict, credit, share } = judged;
  const { task, session, commits, pass, go, open, seenAt } = played;
  const { neuron, claim } = task;
  const since = (at: number | undefined) =>
    at === undefined || seenAt === undefined ? undefined : at - seenAt;
  const event32 = toHex(event.id);
  const outcome: Outcome = {
    id: outcomeId(event.id, facts.validator, neuron.hotkey, claim.index),
    event: event32,
    eventBlock: event.block,
    epoch: event.epoch,
    netuid: event.netuid,
    validator: facts.validator,
    miner: neuron.hotkey,
    kind: claim.kind,
    paramsId: claim.paramsId,
    slot: claim.index,
    verdict,
    measuredMs: played.measuredMs,
    ownDelayMs: played.ownDelayMs,
    credit,
    share,
    ...(task.facts.localnetOnly ? { simulated: true } : {}),
    ...(task.kind.round || event.byTurn ? { byTurn: true } : {}),
    at: facts.at,
  };
  return {
    type: 'outcome',
    outcome,
    session: {
      basis: event.basis,
      beacon: facts.beacon,
      worker: claim.worker,
      nonce: played.nonce,
      salt: played.salt,
      maxNonces: event.maxNonces,
      seed,
      goAtMs: since(go?.at),
      commits: commits.map(({ at, measuredMs, nonces, body, ownDelayMs }) => ({
        atMs: at - (seenAt ?? 0), // a Commit answers a Go, and that a block which was seen
        measuredMs,
        ownDelayMs,
        nonces,
        digest: sha256(body),
      })),
      pass: pass && {
        nonce: pass.nonce,
        salt: pass.salt,
        beacon: pass.seen?.hash,
        atMs: since(pass.sent?.at),
      },
      openAtMs: since(played.takenFrom ?? open?.at),
      openingAtMs: since(played.openedAt),
      digests: {
        request: open ? sha256(played.request) : undefined,
        opening: openingDigest,
      },
      certificates: { validator: session.ownCertificate, miner: session.peerCertificate() },
      refused: played.refused,
      sight: played.sight,
      ...(task.declared ? { declared: task.declared } : {}),
      frames: played.frames,
    },
  };
}

/** 32 hex digits: what names the evidence on both sides. */
function outcomeId(event: Uint8Array, validator: Hotkey, miner: Hotkey, slot: number): string {
  return toHex(sha256(event, utf8(validator), utf8(miner), u32le(slot)).subarray(0, 16));
}

const VERDICTS: Record<Verdict['kind'], VerdictKind> = {
  accepted: VerdictKind.ACCEPTED,
  rejected: VerdictKind.REJECTED,
  inconclusive: VerdictKind.INCONCLUSIVE,
};

/** The session's last frame: the miner keeps it, signed by us. */
export function toReceipt({ outcome, session }: OutcomeEntry): FrameBody {
  const { verdict, measuredMs } = outcome;
  const { request, opening } = session.digests;
  const none = new Uint8Array(32);
  const commits = session.commits.length === 0 ? [none] : session.commits.map(({ digest }) => digest);
  const digests = [...commits, request ?? none, opening ?? none];
  return {
    case: 'receipt',
    value: {
      outcomeId: outcome.id,
      verdict: VERDICTS[verdict.kind],
      reason:
        verdict.kind === 'rejected' ? verdict.reason : verdict.kind === 'inconclusive' ? verdict.cause : '',
      ...(measuredMs === undefined ? {} : { measuredMs }),
      credit: Object.entries(outcome.credit).map(([resource, amount]) => ({
        $typeName: 'assay.v1.CreditAmount' as const,
        resource,
        amount,
      })),
      share: outcome.share,
      evidenceDigest: sha256(concat(...digests)),
      paramsId: fromHex(outcome.paramsId),
      eventBlock: BigInt(outcome.eventBlock),
      slot: outcome.slot,
      ...(session.sight ? { sight: toSight(session.sight) } : {}),
    },
  };
}

const toSight = ({ ip, port, answered, calledFrom = '' }: Sight) => ({
  $typeName: 'assay.v1.Sight' as const,
  ip,
  port,
  answered,
  calledFrom,
});
