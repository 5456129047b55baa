import { describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../../../src/model/bytes.js';
import { ed25519FromSeed } from '../../../src/model/ed25519.js';
import { AssayError } from '../../../src/model/errors.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { accepted, rejected } from '../../../src/model/verdict.js';
import type { Task } from '../../../src/validator/assign.js';
import type { Judged } from '../../../src/validator/judge.js';
import { createMeetings, settleRounds } from '../../../src/validator/meetings.js';
import { encodeOffer } from '../../../src/verification/kinds/bandwidth/codec.js';
import { bandwidthProof } from '../../../src/verification/kinds/bandwidth/index.js';
import { paramsByClass } from '../../../src/verification/kinds/bandwidth/params.js';
import type { Round } from '../../../src/verification/proof.js';
import { committed, playedSession } from '../../support/played.js';
import { bytes32 } from '../../support/sessions.js';
import { neuron } from '../../support/subnets.js';
import { TOY_COMMIT, type ToyParams, toyKind } from '../../support/toy-kind.js';

const BEACON = bytes32('beacon');
const keyOf = (address: string) => bytes32(address);
const OFFER = utf8('offer');

/** Everybody is told how many there are; one that is alone is told nothing. Each is paid for what the others say of it. */
function meeting() {
  const asked: Parameters<Round<ToyParams>['brief']>[1][] = [];
  const round: Round<ToyParams> = {
    offer: () => OFFER,
    brief(_params, event, random) {
      asked.push(event);
      const { participants } = event;
      const told = participants.length > 1 ? Uint8Array.of(participants.length) : undefined;
      const kept = random.bytes(4);
      return { participants: participants.map(() => told && { told, kept }), anchors: [] };
    },
    settle: (_params, reports) =>
      reports.map((_, i) => ({ upBytesPerS: reports.filter(({ commits }, j) => j !== i && commits).length })),
  };
  return { kind: toyKind({ round }), asked };
}

function taskOf(uid: number, kind: Task['kind'], paramsId = '11'.repeat(32)): Task {
  const { task } = playedSession(kind);
  return {
    ...task,
    neuron: neuron(uid, { axon: { ip: `10.0.0.${uid}`, port: 1 } }),
    claim: { ...task.claim, paramsId },
  };
}

const meetingsOf = (random = 'validator') =>
  createMeetings(
    { random: createSeededRandom(random), publicKeyOf: keyOf, self: bytes32('self') },
    { id: bytes32('event'), ordinal: '5.0' },
  );

describe('slots that meet', () => {
  test('are told at the Go, drawn once for all that are ready with the same parameters', () => {
    const { kind, asked } = meeting();
    const meetings = meetingsOf();
    const [a, b, c] = [taskOf(1, kind), taskOf(2, kind), taskOf(3, kind, '22'.repeat(32))];
    for (const task of [a, b, c]) meetings.ready(task, OFFER);
    const briefings = [a, b].map((task) => meetings.briefing(task, BEACON));
    expect(briefings).toEqual(Array(2).fill({ told: Uint8Array.of(2), kept: expect.any(Uint8Array) }));
    expect(meetings.briefing(c, BEACON)).toBe('alone');
    expect(asked).toHaveLength(2);
    const [{ eventId, beacon, validator, participants }] = asked as [(typeof asked)[0]];
    expect([eventId, beacon, validator].map(toHex)).toEqual(
      [bytes32('event'), BEACON, bytes32('self')].map(toHex),
    );
    expect(
      participants.map(({ hotkey, coldkey, address, slot, offer }) => [
        hotkey,
        coldkey,
        address,
        slot,
        offer,
      ]),
    ).toEqual(
      [1, 2].map((uid) => [keyOf(`hotkey-${uid}`), keyOf(`coldkey-${uid}`), `10.0.0.${uid}`, 0, OFFER]),
    );
  });

  test('that are not ready when it is drawn, or offer nothing, are told nothing', () => {
    const { kind } = meeting();
    const meetings = meetingsOf();
    const [a, b, c] = [taskOf(1, kind), taskOf(2, kind), taskOf(3, kind)];
    meetings.ready(a, OFFER);
    meetings.ready(b, new Uint8Array());
    expect(meetings.briefing(a, BEACON)).toMatchObject({ told: Uint8Array.of(2) });
    expect(meetings.briefing(b, BEACON)).toBe('no-offer');
    meetings.ready(c, OFFER);
    expect(meetings.briefing(c, BEACON)).toBe('no-offer');
  });

  test('that offer bytes which are no offer are not excused', () => {
    const kind = bandwidthProof as unknown as Task['kind'];
    const params = paramsByClass('paced')!;
    const meetings = meetingsOf();
    const tasks = [1, 2, 3, 4].map((uid) => ({ ...taskOf(uid, kind), params }));
    const offers = tasks.map((_, i) => {
      const { publicKey } = ed25519FromSeed(bytes32(`link ${i}`));
      return i === 0 ? Uint8Array.of(0) : encodeOffer({ port: 4000 + i, linkKey: publicKey });
    });
    for (const [i, task] of tasks.entries()) meetings.ready(task, offers[i]!);
    expect(meetings.briefing(tasks[0]!, BEACON)).toBe('no-offer');
    expect(meetings.briefing(tasks[1]!, BEACON)).toMatchObject({ told: expect.any(Uint8Array) });
  });

  test('what is kept of them hangs on randomness of this validator alone', () => {
    const kept = ['validator', 'another'].map((name) => {
      const { kind } = meeting();
      const meetings = meetingsOf(name);
      const tasks = [taskOf(1, kind), taskOf(2, kind)];
      for (const task of tasks) meetings.ready(task, OFFER);
      return toHex((meetings.briefing(tasks[0]!, BEACON) as { kept: Uint8Array }).kept);
    });
    expect(kept[0]).not.toBe(kept[1]);
  });

  test('a draw that fails is our own fault, whatever is thrown', () => {
    const { kind } = meeting();
    const meetings = createMeetings(
      {
        random: createSeededRandom('validator'),
        publicKeyOf: () => {
          throw new AssayError('invalid-input', 'no address', { what: 'a', expected: 'b', got: 'c' });
        },
        self: bytes32('self'),
      },
      { id: bytes32('event'), ordinal: '5.0' },
    );
    const task = taskOf(1, kind);
    meetings.ready(task, OFFER);
    expect(() => meetings.briefing(task, BEACON)).toThrow('the round was not drawn');
  });

  test('of a kind without rounds there are none', () => {
    const meetings = meetingsOf();
    const task = taskOf(1, toyKind());
    meetings.ready(task, OFFER);
    expect(meetings.briefing(task, BEACON)).toBeUndefined();
  });
});

describe('what a round shows', () => {
  const judgedOf = (kind: Task['kind'], uid: number, verdict: Judged['verdict'], told = true): Judged => ({
    played: playedSession(kind, {
      task: taskOf(uid, kind),
      brief: told ? Uint8Array.of(2) : undefined,
      commits: [committed(TOY_COMMIT)],
    }),
    seed: undefined,
    openingDigest: undefined,
    verdict,
    credit: verdict.kind === 'accepted' ? { opsPerS: 1_000_000 } : {},
    share: verdict.kind === 'accepted' ? 1 : 0,
  });

  test('of an accepted slot is added to its own; of others nothing counts, and what they say does not', () => {
    const { kind } = meeting();
    const judged = [
      judgedOf(kind, 1, accepted),
      judgedOf(kind, 2, accepted),
      judgedOf(kind, 3, rejected('path')),
      judgedOf(kind, 4, rejected('window'), false),
      judgedOf(toyKind(), 5, accepted),
    ];
    expect(settleRounds(judged, keyOf).map(({ credit }) => credit)).toEqual([
      { opsPerS: 1_000_000, upBytesPerS: 1 },
      { opsPerS: 1_000_000, upBytesPerS: 1 },
      {},
      {},
      { opsPerS: 1_000_000 },
    ]);
  });
});
