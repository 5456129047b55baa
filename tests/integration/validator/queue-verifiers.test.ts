// Questions through the queue to real threads, and to those of the next process.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPackedCompute } from '../../../src/compute/cpu/packed.js';
import { toHex, utf8 } from '../../../src/model/bytes.js';
import { canonicalJson } from '../../../src/model/canonical-json.js';
import { systemClock } from '../../../src/model/clock.js';
import { sha256 } from '../../../src/model/hash.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom, systemRandom } from '../../../src/model/prng.js';
import { accepted, rejected } from '../../../src/model/verdict.js';
import { fabricatesRows } from '../../../src/testing/liars/compute.js';
import { listSetAside, openJobBook } from '../../../src/validator/queue/job-book.js';
import { createJournalQueue } from '../../../src/validator/queue/journal-queue.js';
import { createQueueVerifiers } from '../../../src/validator/queue/queue-verifiers.js';
import { createVerifierPool, ownBytes, type Question } from '../../../src/validator/verifiers.js';
import { paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import { type AnyProofKind, computeProof, kinds as ourKinds } from '../../../src/verification/kinds/index.js';
import { UNHURRIED } from '../../../src/verification/proof.js';
import { FAULT, faultyKinds } from '../../support/faulty-kinds.js';
import { QUEUE_KEY, STAMP } from '../../support/jobs.js';

const basis = createSeededRandom('basis').bytes(32);
const FAULTY = { url: new URL('../../support/faulty-thread.ts', import.meta.url), kinds: faultyKinds };

let dir: string;
const closers: (() => Promise<void>)[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'assay-queue-threads-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(dir, { recursive: true, force: true });
});

async function openProcess({ module }: { module?: typeof FAULTY } = {}) {
  const stop = new AbortController();
  const parts = { clock: systemClock, log: silentLog };
  const pool = createVerifierPool({ ...parts, threads: 2, ...(module ? { module } : {}) }, stop.signal);
  const book = await openJobBook({ ...parts, key: QUEUE_KEY, stamp: STAMP }, dir);
  const queue = createJournalQueue({ book, log: silentLog });
  const kinds = module?.kinds ?? ourKinds;
  const self = STAMP.deployment.hotkey;
  const verifiers = createQueueVerifiers(
    { queue, verifiers: pool, kinds, random: systemRandom, self },
    stop.signal,
  );
  closers.push(async () => {
    await verifiers.close();
    await queue.close();
    await pool.close();
  });
  return { queue, verifiers, stop };
}

function asOutcome(name: string, question: Question): Question {
  const id = toHex(sha256(utf8(name))).slice(0, 32);
  const openingDigest = sha256(question.evidence.opening);
  return { ...question, outcome: { id, openingDigest, note: () => utf8(name) } };
}

async function computeQuestion(name: string, prove = computeProof.prove): Promise<Question> {
  const params = { ...paramsByClass('paced')!, n: 64, labels: 12, samples: 32 };
  const random = createSeededRandom(name);
  const challenge = { params, basis, seed: random.bytes(32) };
  const compute = createPackedCompute();
  const proving = await prove({ compute, ...UNHURRIED }, challenge, new AbortController().signal);
  const commits = [proving.commit];
  const request = computeProof.issue(params, commits, random);
  const evidence = { commits, request, opening: ownBytes(await proving.open(request)) };
  proving.release();
  const paramsId = toHex(sha256(utf8(canonicalJson(params))));
  return asOutcome(name, { kind: ourKinds.compute!, paramsId, challenge, evidence });
}

function faultyQuestion(name: string, fault: number): Question {
  const opening = new Uint8Array(64);
  opening[0] = fault;
  return asOutcome(name, {
    kind: faultyKinds.faulty as AnyProofKind,
    paramsId: toHex(sha256(utf8('{}'))),
    challenge: { params: {}, basis, seed: new Uint8Array(32) },
    evidence: { commits: [new Uint8Array(4)], request: new Uint8Array(4), opening },
  });
}

const filesIn = (folder: string) => readdir(join(dir, folder)).catch((): string[] => []);

test('reach the verdicts that threads reach, give the same bytes back, and leave nothing behind', async () => {
  const { verifiers } = await openProcess();
  const liar = fabricatesRows({ share: 0.5, random: createSeededRandom('liar') });
  const questions = [await computeQuestion('honest'), await computeQuestion('liar', liar.prove)];
  const before = questions.map(({ evidence }) => evidence.opening.slice());
  const verifier = verifiers.forEvent({ basis, random: createSeededRandom('event') });
  const answers = await Promise.all(questions.map((question) => verifier.verify(question)));
  expect(answers.map(({ verdict }) => verdict)).toEqual([accepted, rejected('projection')]);
  expect(answers.map(({ opening }) => opening)).toEqual(before);
  expect(await filesIn('jobs')).toHaveLength(2);
  verifier.close(); // nobody recorded them, and nobody will
  while ((await filesIn('jobs')).length + (await filesIn('evidence')).length > 0);
  expect(await filesIn('hand')).toEqual([]);
});

test('that were under way when the process stopped come to the same verdicts in the next, with nothing held against them', async () => {
  const first = await openProcess();
  const liar = fabricatesRows({ share: 0.5, random: createSeededRandom('liar') });
  const verifier = first.verifiers.forEvent({ basis, random: createSeededRandom('event') });
  const questions = [await computeQuestion('honest'), await computeQuestion('liar', liar.prove)];
  const asked: Promise<unknown>[] = [];
  // as soon as a thread has one: its answer can only come in a later turn of the loop
  await new Promise<void>((given) => {
    for (const question of questions) asked.push(verifier.verify({ ...question, given }));
    for (const each of asked) each.catch(() => {});
  });
  first.stop.abort(new Error('stopping'));
  await Promise.allSettled(asked);
  verifier.close();
  for (const close of closers.splice(0)) await close();
  expect(await filesIn('set-aside')).toEqual([]);

  const { queue } = await openProcess();
  const ends = new Map<string, unknown>();
  for (const { kept, deaths, end } of queue.recovered) {
    expect(deaths).toBe(0);
    const { note } = await kept();
    ends.set(Buffer.from(note!).toString(), await end);
  }
  for (const [name, verdict] of [
    ['honest', accepted],
    ['liar', rejected('projection')],
  ] as const)
    expect(ends.get(name)).toEqual({ kind: 'done', verdict });
});

test('a disk that does not let go of what was judged ends no validator', async () => {
  const { queue } = await openProcess();
  let asked = 0;
  const settle = async () => {
    asked++;
    throw new Error('EROFS');
  };
  const pool = createVerifierPool(
    { clock: systemClock, log: silentLog, threads: 1 },
    AbortSignal.timeout(60_000),
  );
  closers.push(() => pool.close());
  const verifiers = createQueueVerifiers(
    {
      queue: { ...queue, settle },
      verifiers: pool,
      kinds: ourKinds,
      random: systemRandom,
      self: STAMP.deployment.hotkey,
    },
    new AbortController().signal,
  );
  closers.push(() => verifiers.close());
  const verifier = verifiers.forEvent({ basis, random: createSeededRandom('event') });
  expect((await verifier.verify(await computeQuestion('honest'))).verdict).toEqual(accepted);
  verifier.close();
  // a rejection that nobody heard would end the process, and this test's run, in the next turn
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toBe(1);
});

test("that end threads are the miner's poison as without a queue, and cost no other, nor the process", async () => {
  const { verifiers, queue } = await openProcess({ module: FAULTY });
  const verifier = verifiers.forEvent({ basis, random: createSeededRandom('event') });
  const [bad, good] = await Promise.all([
    verifier.verify(faultyQuestion('bad', FAULT.dies)),
    verifier.verify(faultyQuestion('good', FAULT.none)),
  ]);
  expect([bad.verdict, good.verdict]).toEqual([rejected('poison'), accepted]);
  expect(queue.status()).toMatchObject({ ended: 2, setAside: 0, active: 0 });
  expect(verifiers.tally!()).toMatchObject({ poison: 1 });
  expect(await listSetAside(dir)).toEqual([]);
});
