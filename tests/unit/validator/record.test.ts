import { describe, expect, test } from 'vitest';
import { concat, toHex, utf8 } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { toHotkey } from '../../../src/model/ids.js';
import { accepted, inconclusive, rejected, type Verdict } from '../../../src/model/verdict.js';
import { VerdictKind } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import type { Played } from '../../../src/validator/dispatch.js';
import { toOutcomeEntry, toReceipt } from '../../../src/validator/record.js';
import { EVENT, NOTHING_ARRIVED, playedSession } from '../../support/played.js';
import { bytes16, bytes32 } from '../../support/sessions.js';
import { TOY_COMMIT, TOY_PARAMS_ID, toyKind } from '../../support/toy-kind.js';

const FACTS = { beacon: bytes32('beacon'), validator: toHotkey('validator'), at: 1_700_000_000_000 };

const entryOf = (verdict: Verdict, played: Parameters<typeof playedSession>[1] = {}, facts = FACTS) => {
  const [credit, share] = verdict.kind === 'accepted' ? [{ opsPerS: 1_000_000 }, 1] : [{}, 0];
  const session = playedSession(toyKind(), played);
  const openingDigest = session.openedAt === undefined ? undefined : sha256(session.opening);
  return toOutcomeEntry(
    { played: session, seed: bytes32('seed'), openingDigest, verdict, credit, share },
    EVENT,
    facts,
  );
};

describe('an outcome', () => {
  test('holds what scoring and a replay ask for, times since the block was seen', () => {
    const { outcome, session } = entryOf(accepted);
    expect(outcome).toEqual({
      id: toHex(
        sha256(EVENT.id, utf8('validator'), utf8('hotkey-3'), Uint8Array.of(0, 0, 0, 0)).subarray(0, 16),
      ),
      event: toHex(EVENT.id),
      eventBlock: 120,
      epoch: 5,
      netuid: 7,
      validator: 'validator',
      miner: 'hotkey-3',
      kind: 'toy',
      paramsId: toHex(TOY_PARAMS_ID),
      slot: 0,
      verdict: { kind: 'accepted' },
      measuredMs: 500,
      ownDelayMs: 1.5,
      credit: { opsPerS: 1_000_000 },
      share: 1,
      simulated: true,
      at: 1_700_000_000_000,
    });
    expect([session.goAtMs, session.openAtMs, session.openingAtMs]).toEqual([1, 502, 512]);
    expect(session.commits).toEqual([
      { atMs: 501, measuredMs: 500, ownDelayMs: 1.5, nonces: [bytes16('nonce')], digest: sha256(TOY_COMMIT) },
    ]);
  });

  test('is a simulated device’s where its parameter set is for localnets, and else a real one’s', () => {
    const { task } = playedSession(toyKind());
    const facts = { ...task.facts, localnetOnly: false };
    expect(entryOf(accepted, { task: { ...task, facts } }).outcome.simulated).toBeUndefined();
  });

  test('has one name per event, validator, miner and slot', () => {
    const ids = [
      entryOf(accepted),
      entryOf(rejected('seed')),
      entryOf(accepted, { slot: 1 }),
      entryOf(accepted, {}, { ...FACTS, validator: toHotkey('another') }),
    ].map(({ outcome }) => outcome.id);
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
  });

  test('of a session in which nothing arrived has neither times nor digests', () => {
    const nothing: Partial<Played> = { ...NOTHING_ARRIVED, go: undefined, seenAt: undefined };
    const { outcome, session } = entryOf(rejected('window'), nothing);
    expect(outcome.measuredMs).toBeUndefined();
    expect(session.digests).toEqual({ request: undefined, opening: undefined });
    expect(session.commits).toEqual([]);
    expect([session.goAtMs, session.openAtMs, session.openingAtMs]).toEqual(Array(3).fill(undefined));
  });
});

describe('a receipt', () => {
  test('says verdict, time, credit and the digest of all evidence', () => {
    const entry = entryOf(accepted);
    const { request, opening } = entry.session.digests;
    const { digest: commit } = entry.session.commits[0]!;
    expect(toReceipt(entry)).toEqual({
      case: 'receipt',
      value: {
        outcomeId: entry.outcome.id,
        verdict: VerdictKind.ACCEPTED,
        reason: '',
        measuredMs: 500,
        credit: [{ $typeName: 'assay.v1.CreditAmount', resource: 'opsPerS', amount: 1_000_000 }],
        share: 1,
        evidenceDigest: sha256(concat(commit, request!, opening!)),
        paramsId: TOY_PARAMS_ID,
        eventBlock: 120n,
        slot: 0,
      },
    });
  });

  test.each([
    [rejected('projection'), VerdictKind.REJECTED, 'projection'],
    [inconclusive('validator-late'), VerdictKind.INCONCLUSIVE, 'validator-late'],
  ])('names the reason of %o', (verdict, kind, reason) => {
    const value = toReceipt(entryOf(verdict)).value as { verdict: VerdictKind; reason: string };
    expect([value.verdict, value.reason]).toEqual([kind, reason]);
  });

  test('leaves the time out where no Commit came, and counts absent evidence as zeros', () => {
    const entry = entryOf(rejected('window'), NOTHING_ARRIVED);
    const { value } = toReceipt(entry);
    expect(value).not.toHaveProperty('measuredMs');
    expect((value as { evidenceDigest: Uint8Array }).evidenceDigest).toEqual(sha256(new Uint8Array(96)));
  });
});
