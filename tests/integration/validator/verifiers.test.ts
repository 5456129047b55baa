import { afterEach, describe, expect, test } from 'vitest';
import { createPackedCompute } from '../../../src/compute/cpu/packed.js';
import { type Clock, systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { accepted, rejected } from '../../../src/model/verdict.js';
import { fabricatesRows } from '../../../src/testing/liars/compute.js';
import {
  createVerifierPool,
  type EventVerifier,
  ownBytes,
  type Question,
  type VerifierPool,
  verifyHere,
} from '../../../src/validator/verifiers.js';
import { type ComputeParams, paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import { type AnyProofKind, computeProof, kinds } from '../../../src/verification/kinds/index.js';
import { type Proving, UNHURRIED } from '../../../src/verification/proof.js';
import { FAULT, type FaultyParams, faultyKinds } from '../../support/faulty-kinds.js';
import { recordingLog } from '../../support/logs.js';
import { toyKind } from '../../support/toy-kind.js';

const basis = createSeededRandom('basis').bytes(32);
const clock = systemClock;
const log = silentLog;

const open: VerifierPool[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((pool) => pool.close()));
});
function pool(
  parts: Partial<Parameters<typeof createVerifierPool>[0]> = {},
  signal = new AbortController().signal,
) {
  const made = createVerifierPool({ clock, log, threads: 1, ...parts }, signal);
  open.push(made);
  return made;
}
const faultyModule = {
  url: new URL('../../support/faulty-thread.ts', import.meta.url),
  kinds: faultyKinds,
};
const faultyPool = (parts: Partial<Parameters<typeof createVerifierPool>[0]> = {}, signal?: AbortSignal) =>
  pool({ module: faultyModule, ...parts }, signal);

function faultyQuestion(fault: number, paramsId = 'a', params: FaultyParams = {}): Question {
  const opening = new Uint8Array(64);
  opening[0] = fault;
  return {
    kind: faultyKinds.faulty as AnyProofKind,
    paramsId,
    challenge: { params, basis, seed: new Uint8Array(32) },
    evidence: { commits: [new Uint8Array(4)], request: new Uint8Array(4), opening },
  };
}
const secretIn = (opening: Uint8Array): string => Buffer.from(opening.subarray(1, 17)).toString();
const random = (): ReturnType<typeof createSeededRandom> => createSeededRandom('event');

async function computeQuestion(name: string, prove = computeProof.prove): Promise<Question> {
  const params: ComputeParams = { ...paramsByClass('paced')!, n: 64, labels: 12, samples: 32 };
  const random = createSeededRandom(name);
  const challenge = { params, basis, seed: random.bytes(32) };
  const compute = createPackedCompute();
  const proving: Proving = await prove({ compute, ...UNHURRIED }, challenge, new AbortController().signal);
  const commits = [proving.commit];
  const request = computeProof.issue(params, commits, random);
  const evidence = { commits, request, opening: ownBytes(await proving.open(request)) };
  proving.release();
  return { kind: kinds.compute!, paramsId: 'small', challenge, evidence };
}

describe('a pool of verifier threads', () => {
  test('reaches the verdicts that this thread reaches, and gives the same bytes back', async () => {
    const liar = fabricatesRows({ share: 0.5, random: createSeededRandom('liar') });
    const questions = [
      await computeQuestion('honest'),
      await computeQuestion('liar', liar.prove),
      await computeQuestion('another'),
    ];
    const before = questions.map(({ evidence }) => evidence.opening.slice());
    const verdicts = async (verifier: EventVerifier) => {
      const answers = await Promise.all(questions.map((question) => verifier.verify(question)));
      return answers.map(({ verdict }) => verdict);
    };
    const expected = [accepted, rejected('projection'), accepted];
    expect(await verdicts(verifyHere.forEvent({ basis, random: random() }))).toEqual(expected);
    const threads = pool({ threads: 2 }).forEvent({ basis, random: random() });
    const answers = await Promise.all(questions.map((question) => threads.verify(question)));
    expect(answers.map(({ verdict }) => verdict)).toEqual(expected);
    expect(answers.map(({ opening }) => opening)).toEqual(before);
  });

  test('hands openings over instead of copying them', async () => {
    const verifier = faultyPool().forEvent({ basis, random: random() });
    const question = faultyQuestion(FAULT.none);
    const answer = verifier.verify(question);
    expect(question.evidence.opening).toHaveLength(0);
    expect((await answer).opening).toHaveLength(64);
  });

  test('copies what has no buffer of its own: nothing else may go with it', async () => {
    const verifier = faultyPool().forEvent({ basis, random: random() });
    const shared = new Uint8Array(200);
    const question = faultyQuestion(FAULT.none);
    const evidence = { ...question.evidence, opening: shared.subarray(10, 20) };
    expect((await verifier.verify({ ...question, evidence })).opening).toHaveLength(10);
    expect(shared).toHaveLength(200);
  });

  test('draws one secret for an event and parameter set, the same on every thread, another for every other', async () => {
    const threads = faultyPool({ threads: 2 });
    const ask = async (verifier: EventVerifier, params: string) =>
      secretIn((await verifier.verify(faultyQuestion(FAULT.tellsThread, params))).opening);
    const one = threads.forEvent({ basis, random: createSeededRandom('one') });
    const [a, again, b] = await Promise.all([ask(one, 'a'), ask(one, 'a'), ask(one, 'b')]);
    const other = await ask(threads.forEvent({ basis, random: createSeededRandom('two') }), 'a');
    expect(a).toMatch(/^[0-9a-f]{16}$/);
    expect(again).toBe(a);
    expect(new Set([a, b, other]).size).toBe(3);
  });

  test('draws nothing before the first question', async () => {
    let drawn = 0;
    const counting = { ...random(), bytes: (length: number) => new Uint8Array(length).fill(++drawn) };
    const verifier = faultyPool().forEvent({ basis, random: counting });
    expect(drawn).toBe(0);
    await verifier.verify(faultyQuestion(FAULT.none));
    await verifier.verify(faultyQuestion(FAULT.none));
    expect(drawn).toBe(1);
  });

  test('evidence that nobody survives who verifies it is rejected, and costs no other question anything', async () => {
    const threads = faultyPool();
    const verifier = threads.forEvent({ basis, random: random() });
    const faults = [FAULT.dies, FAULT.tellsThread, FAULT.outgrows];
    const all = await Promise.all(
      faults.map((fault, i) => verifier.verify({ ...faultyQuestion(fault), from: `miner ${i}` })),
    );
    expect(all.map(({ verdict }) => verdict)).toEqual([rejected('poison'), accepted, rejected('poison')]);
    expect(all.map(({ opening }) => opening[0])).toEqual(faults);
    expect(threads.tally!()).toEqual({ failures: 4, answered: 0, poison: 2, unjudged: 0 });
  });

  test('a question that a thread left unanswered is asked once more, and that answer counts', async () => {
    const threads = faultyPool();
    const verifier = threads.forEvent({ basis, random: random() });
    const times = new Int32Array(new SharedArrayBuffer(4)).fill(1);
    const { verdict, opening } = await verifier.verify(faultyQuestion(FAULT.diesAtFirst, 'a', { times }));
    expect(verdict).toEqual(accepted);
    expect(opening).toHaveLength(64);
    expect(threads.tally!()).toEqual({ failures: 1, answered: 1, poison: 0, unjudged: 0 });
  });

  test('a restarted thread draws the same projections again', async () => {
    const verifier = faultyPool().forEvent({ basis, random: random() });
    const tell = async () => secretIn((await verifier.verify(faultyQuestion(FAULT.tellsThread))).opening);
    const before = await tell();
    expect((await verifier.verify(faultyQuestion(FAULT.dies))).verdict).toEqual(rejected('poison'));
    expect(await tell()).toBe(before);
  });

  test('a check that throws leaves the thread alive, and is no way out either', async () => {
    const { log, messages } = recordingLog();
    const verifier = faultyPool({ log }).forEvent({ basis, random: random() });
    const { verdict } = await verifier.verify(faultyQuestion(FAULT.throws));
    expect(verdict).toEqual(rejected('poison'));
    expect(messages()).not.toContain('a verifier thread ended');
  });

  test('ends a thread that hangs', async () => {
    const waitedMs: number[] = [];
    const impatient: Clock = {
      ...systemClock,
      async sleep(ms, stop) {
        // what is asked about nothing has a tenth of the time, and answers
        if (ms < 1000) return new Promise((resolve) => stop!.addEventListener('abort', () => resolve()));
        waitedMs.push(ms);
      },
    };
    const verifier = faultyPool({ clock: impatient, silentMs: 1000 }).forEvent({ basis, random: random() });
    expect((await verifier.verify(faultyQuestion(FAULT.hangs))).verdict).toEqual(rejected('poison'));
    expect(waitedMs).toEqual([1000, 1000]);
  });

  test('verifies here what its threads do not know', async () => {
    const kind = toyKind();
    const question = { ...faultyQuestion(FAULT.none), kind };
    const { verdict } = await faultyPool().forEvent({ basis, random: random() }).verify(question);
    expect(verdict).toEqual(rejected('path'));
    expect(kind.drawn).toBe(1);
  });

  test('an abort ends all threads and rejects what they had in hand and what waited', async () => {
    const stop = new AbortController();
    const reason = new Error('stopping');
    const verifier = faultyPool({}, stop.signal).forEvent({ basis, random: random() });
    const asked = [FAULT.hangs, FAULT.none].map((fault) => verifier.verify(faultyQuestion(fault)));
    const settled = Promise.allSettled(asked);
    stop.abort(reason);
    expect(await settled).toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
    ]);
    await expect(verifier.verify(faultyQuestion(FAULT.none))).rejects.toBe(reason);
  });

  test('forgets with the event, and leaves no randomness behind', async () => {
    const drawn: Uint8Array[] = [];
    const seeded = random();
    const keeping = {
      ...seeded,
      bytes(length: number) {
        const bytes = seeded.bytes(length);
        drawn.push(bytes);
        return bytes;
      },
    };
    const threads = faultyPool();
    const verifier = threads.forEvent({ basis, random: keeping });
    const first = secretIn((await verifier.verify(faultyQuestion(FAULT.tellsThread))).opening);
    expect(drawn.some((bytes) => bytes.some((byte) => byte !== 0))).toBe(true);
    verifier.close();
    expect(drawn.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
    const next = threads.forEvent({ basis, random: keeping });
    expect(secretIn((await next.verify(faultyQuestion(FAULT.tellsThread))).opening)).not.toBe(first);
  });
});
