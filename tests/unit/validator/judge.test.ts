import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/model/bytes.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { accepted, inconclusive, rejected } from '../../../src/model/verdict.js';
import type { Played } from '../../../src/validator/dispatch.js';
import { createJudge } from '../../../src/validator/judge.js';
import { slotSeed } from '../../../src/verification/seed.js';
import { recordingLog } from '../../support/logs.js';
import { committed, EVENT, NOTHING_ARRIVED, playedSession } from '../../support/played.js';
import { bytes16, bytes32 } from '../../support/sessions.js';
import { TOY_PARAMS_ID, toyKind } from '../../support/toy-kind.js';

const judging = (sessions: readonly Played[], log = silentLog) =>
  sessions.map(
    createJudge(
      { random: createSeededRandom('judge'), log, publicKeyOf: (hotkey) => bytes32(hotkey) },
      EVENT,
      bytes32('beacon'),
    ),
  );

describe('judge', () => {
  test('accepts good content and credits its operations over the whole window', () => {
    const [judged] = judging([playedSession(toyKind())]);
    expect(judged!.verdict).toEqual(accepted);
    expect(judged!.credit).toEqual({ opsPerS: 1_000_000 }); // a million in a window of a second
    expect(judged!.share).toBe(1);
  });

  test('judges under the seed that beacon, nonces, hotkey, worker, slot and event give', () => {
    const seen: string[] = [];
    const kind = toyKind({
      verify: ({ seed, basis }) => {
        seen.push(toHex(seed), toHex(basis));
        return accepted;
      },
    });
    const [judged] = judging([playedSession(kind, { slot: 2 })]);
    const seed = slotSeed({
      beacon: bytes32('beacon'),
      nonces: [bytes16('nonce')],
      hotkey: bytes32('hotkey-3'),
      worker: 'host-1',
      slot: 2,
      eventId: EVENT.id,
      paramsId: TOY_PARAMS_ID,
    });
    expect(toHex(judged!.seed!)).toBe(toHex(seed));
    expect(seen).toEqual([toHex(seed), toHex(bytes32('basis'))]);
  });

  test('draws one private secret for all sessions of an event under the same parameters', () => {
    const kind = toyKind();
    const other = new Uint8Array(32).fill(0x22);
    judging([
      playedSession(kind),
      playedSession(kind, { slot: 1 }),
      playedSession(kind, { slot: 2, paramsId: other }),
      playedSession(kind, { slot: 3, paramsId: other }),
    ]);
    expect(kind.drawn).toBe(2);
  });

  test('draws none when no session came to content, and lets their ends stand', () => {
    const kind = toyKind();
    const ends = [rejected('window'), rejected('opening-timeout'), inconclusive('validator-late')];
    const judged = judging(ends.map((end) => playedSession(kind, { end })));
    expect(judged.map(({ verdict }) => verdict)).toEqual(ends);
    expect(judged.map(({ credit }) => credit)).toEqual([{}, {}, {}]);
    expect(kind.drawn).toBe(0);
  });

  test('rejects bad content for the reason that the kind gives, without credit', () => {
    const [judged] = judging([playedSession(toyKind(), { opening: bytes32('something else') })]);
    expect(judged!.verdict).toEqual(rejected('path'));
    expect(judged!.credit).toEqual({});
    expect(judged!.share).toBe(0);
  });

  test('knows no seed where no Commit arrived', () => {
    const [judged] = judging([playedSession(toyKind(), { ...NOTHING_ARRIVED, end: rejected('window') })]);
    expect(judged!.seed).toBeUndefined();
  });

  test('a check that breaks on our side costs that miner nothing, and no other', () => {
    const { log, lines } = recordingLog();
    const broken = toyKind({
      verify: () => {
        throw new RangeError('out of memory');
      },
    });
    const judged = judging([playedSession(broken), playedSession(toyKind(), { slot: 1 })], log);
    expect(judged.map(({ verdict }) => verdict)).toEqual([inconclusive('validator-fault'), accepted]);
    expect(judged[0]!.credit).toEqual({});
    expect(lines).toMatchObject([{ level: 'error', msg: 'verification failed on our side', slot: 0 }]);
  });

  test('a commit that claims nothing is credited nothing, whatever the kind concludes', () => {
    const kind = toyKind({ verify: () => accepted });
    const [judged] = judging([playedSession(kind, { commits: [committed(bytes16('x'))] })]);
    expect(judged!.credit).toEqual({});
    expect(judged!.share).toBe(0);
  });
});
