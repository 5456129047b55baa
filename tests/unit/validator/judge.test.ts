import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { accepted, inconclusive, rejected } from '../../../src/model/verdict.js';
import type { Played } from '../../../src/validator/dispatch.js';
import { createJudge } from '../../../src/validator/judge.js';
import { type Question, type Verifiers, verifyHere } from '../../../src/validator/verifiers.js';
import { slotSeed } from '../../../src/verification/seed.js';
import { recordingLog } from '../../support/logs.js';
import { committed, EVENT, NOTHING_ARRIVED, playedSession } from '../../support/played.js';
import { bytes16, bytes32 } from '../../support/sessions.js';
import { TOY_PARAMS_ID, toyKind, toyOpening } from '../../support/toy-kind.js';

const judging = (sessions: readonly Played[], log = silentLog, verifiers: Verifiers = verifyHere) => {
  const random = createSeededRandom('judge');
  const publicKeyOf = (hotkey: string) => bytes32(hotkey);
  const { judge } = createJudge({ random, log, publicKeyOf, verifiers }, EVENT, bytes32('beacon'));
  return Promise.all(sessions.map(judge));
};

describe('judge', () => {
  test('accepts good content and credits its operations over the whole window', async () => {
    const [judged] = await judging([playedSession(toyKind())]);
    expect(judged!.verdict).toEqual(accepted);
    expect(judged!.credit).toEqual({ opsPerS: 1_000_000 }); // a million in a window of a second
    expect(judged!.share).toBe(1);
  });

  test('judges under the seed that beacon, nonces, hotkey, worker, slot and event give', async () => {
    const seen: string[] = [];
    const kind = toyKind({
      verify: ({ seed, basis }) => {
        seen.push(toHex(seed), toHex(basis));
        return accepted;
      },
    });
    const [judged] = await judging([playedSession(kind, { slot: 2 })]);
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

  test('draws one private secret for all sessions of an event under the same parameters', async () => {
    const kind = toyKind();
    const other = new Uint8Array(32).fill(0x22);
    await judging([
      playedSession(kind),
      playedSession(kind, { slot: 1 }),
      playedSession(kind, { slot: 2, paramsId: other }),
      playedSession(kind, { slot: 3, paramsId: other }),
    ]);
    expect(kind.drawn).toBe(2);
  });

  test('draws none when no session came to content, and lets their ends stand', async () => {
    const kind = toyKind();
    const ends = [rejected('window'), rejected('opening-timeout'), inconclusive('validator-late')];
    const judged = await judging(ends.map((end) => playedSession(kind, { end })));
    expect(judged.map(({ verdict }) => verdict)).toEqual(ends);
    expect(judged.map(({ credit }) => credit)).toEqual([{}, {}, {}]);
    expect(kind.drawn).toBe(0);
  });

  test('rejects bad content for the reason that the kind gives, without credit', async () => {
    const [judged] = await judging([playedSession(toyKind(), { opening: bytes32('something else') })]);
    expect(judged!.verdict).toEqual(rejected('path'));
    expect(judged!.credit).toEqual({});
    expect(judged!.share).toBe(0);
  });

  test('knows no seed where no Commit arrived', async () => {
    const [judged] = await judging([
      playedSession(toyKind(), { ...NOTHING_ARRIVED, end: rejected('window') }),
    ]);
    expect(judged!.seed).toBeUndefined();
  });

  test('a check that breaks on our side costs that miner nothing, and no other', async () => {
    const { log, lines } = recordingLog();
    const broken = toyKind({
      verify: () => {
        throw new RangeError('out of memory');
      },
    });
    const judged = await judging([playedSession(broken), playedSession(toyKind(), { slot: 1 })], log);
    expect(judged.map(({ verdict }) => verdict)).toEqual([inconclusive('validator-fault'), accepted]);
    expect(judged[0]!.credit).toEqual({});
    expect(lines).toMatchObject([{ level: 'error', msg: 'verification failed on our side', slot: 0 }]);
  });

  test('a verifier that was lost costs that miner nothing, and the journal still names what arrived', async () => {
    const lost: Verifiers = {
      forEvent: () => ({
        async verify({ evidence }) {
          structuredClone(evidence.opening, { transfer: [evidence.opening.buffer as ArrayBuffer] });
          throw new Error('the thread died');
        },
        close() {},
      }),
    };
    const opening = toyOpening(bytes32('request').slice(0, 4));
    const digest = sha256(opening);
    const [judged] = await judging([playedSession(toyKind(), { opening })], silentLog, lost);
    expect(judged!.verdict).toEqual(inconclusive('validator-fault'));
    expect(judged!.played.opening).toHaveLength(0);
    expect(judged!.openingDigest).toEqual(digest);
  });

  test('says whose evidence it is, and how to make the opening again: from its pieces', async () => {
    const asked: Question[] = [];
    const verifiers: Verifiers = {
      forEvent: (event) => ({
        ...verifyHere.forEvent(event),
        async verify(question) {
          asked.push(question);
          return { verdict: rejected('poison'), opening: question.evidence.opening };
        },
      }),
    };
    const pieces = [bytes32('one'), bytes32('two')];
    const [judged] = await judging([playedSession(toyKind(), { pieces })], silentLog, verifiers);
    expect(judged!.verdict).toEqual(rejected('poison'));
    expect(judged!.credit).toEqual({});
    expect(asked[0]!.from).toBe(judged!.played.task.neuron.hotkey);
    expect(toHex(asked[0]!.again!())).toBe(pieces.map(toHex).join(''));
  });

  test('a commit that claims nothing is credited nothing, whatever the kind concludes', async () => {
    const kind = toyKind({ verify: () => accepted });
    const [judged] = await judging([playedSession(kind, { commits: [committed(bytes16('x'))] })]);
    expect(judged!.credit).toEqual({});
    expect(judged!.share).toBe(0);
  });
});
