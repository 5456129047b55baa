import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { concat } from '../../../src/model/bytes.js';
import { systemClock } from '../../../src/model/clock.js';
import { sha256 } from '../../../src/model/hash.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { accepted, type Verdict } from '../../../src/model/verdict.js';
import { FrameSchema } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import type { ProofKinds } from '../../../src/validator/assign.js';
import type { OutcomeEntry } from '../../../src/validator/ledger/entries.js';
import { type Ledger, openLedger } from '../../../src/validator/ledger/ledger.js';
import type { Job } from '../../../src/validator/queue/job.js';
import { listSetAside, openJobBook } from '../../../src/validator/queue/job-book.js';
import { createJournalQueue } from '../../../src/validator/queue/journal-queue.js';
import { fromNote, recoverOutcomes, toNote, withSettling } from '../../../src/validator/queue/recover.js';
import { QUEUE_KEY, STAMP, testJob } from '../../support/jobs.js';
import { GENESIS, outcomeEntry } from './ledger/entry.js';

const never = new AbortController().signal;
const dead: Promise<Verdict> = new Promise(() => {});
let dir: string;
let ledger: Ledger;

beforeEach(async () => {
  await readyKeys();
  dir = await mkdtemp(join(tmpdir(), 'assay-recover-'));
  const whose = { genesisHash: GENESIS, netuid: 2, keypair: devKeypair('validator') };
  const random = createSeededRandom('recover');
  ledger = await openLedger({ dir: join(dir, 'ledger'), ...whose, random, keepAccepted: 1, log: silentLog });
});
afterEach(async () => {
  await ledger.close();
  await rm(dir, { recursive: true, force: true });
});

/** What a round knows of a kind, and nothing else of it. */
const kindsOf = (more: object = {}): ProofKinds =>
  ({
    compute: {
      kind: 'compute',
      parseParams: (value: unknown) => value,
      credit: () => ({ opsPerS: 500 }),
      facts: () => ({ nominal: { opsPerS: 1000 } }),
      ...more,
    },
  }) as unknown as ProofKinds;

const piece = (data: Uint8Array, last: boolean, index: number): Uint8Array =>
  toBinary(
    FrameSchema,
    create(FrameSchema, { body: { case: 'opening', value: { piece: index, last, data } } }),
  );

/** A session with an opening of two pieces. */
function session(n: number): {
  readonly job: Job;
  readonly opening: Uint8Array;
  readonly entry: OutcomeEntry;
} {
  const { job, opening } = testJob(n, 1000);
  const bare = outcomeEntry(`session ${n}`);
  const [frame] = bare.session.frames;
  const frames = [
    frame!,
    {
      ...frame!,
      from: 'miner' as const,
      kind: 'opening' as const,
      body: piece(opening.subarray(0, 600), false, 0),
    },
    {
      ...frame!,
      from: 'miner' as const,
      kind: 'opening' as const,
      body: piece(opening.subarray(600), true, 1),
    },
  ];
  const outcome = { ...bare.outcome, paramsId: job.paramsId };
  const digests = { ...bare.session.digests, opening: sha256(opening) };
  return {
    job: { ...job, id: outcome.id },
    opening,
    entry: { ...bare, outcome, session: { ...bare.session, digests, frames } },
  };
}

async function openProcess() {
  const parts = { key: QUEUE_KEY, stamp: STAMP, clock: systemClock, log: silentLog };
  const book = await openJobBook(parts, join(dir, 'queue'));
  return createJournalQueue({ book, log: silentLog });
}

/** A process that dies with these in hand. */
async function dies(sessions: readonly ReturnType<typeof session>[]): Promise<void> {
  const queue = await openProcess();
  let begun: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let hands = 0;
  queue.work(
    () => {
      if (++hands === sessions.length) begun();
      return dead;
    },
    { concurrency: sessions.length },
  );
  for (const { job, opening, entry } of sessions)
    queue.add(job, { opening, note: toNote(entry) }, never).catch(() => {});
  await all;
}

const recorded = () => ledger.outcomes({ fromEpoch: 0 });
const parts = (queue: Awaited<ReturnType<typeof openProcess>>, kinds = kindsOf()) => ({
  queue,
  ledger: withSettling(ledger, { queue, log: silentLog }),
  kinds,
  clock: systemClock,
  log: silentLog,
});

describe('a note', () => {
  it('and the opening are the session again, byte for byte', () => {
    const { entry, opening } = session(1);
    const back = fromNote(toNote(entry), opening);
    expect(back.session.frames.map(({ body }) => Buffer.from(body).toString('hex'))).toEqual(
      entry.session.frames.map(({ body }) => Buffer.from(body).toString('hex')),
    );
    expect(back.outcome).toEqual(entry.outcome);
    expect(toNote(entry).length).toBeLessThan(2000); // the opening's thousand bytes are not in it
  });

  it('keeps a piece whole that is spelled as nobody of ours would, and one that is none', () => {
    const { entry, opening } = session(1);
    const odd = concat(piece(opening, true, 0), Uint8Array.of(0xa0, 0x06, 0x01)); // an unknown field behind the data
    const frames = [{ ...entry.session.frames[1]!, body: odd }];
    const bent = { ...entry, session: { ...entry.session, frames } };
    expect(Buffer.from(fromNote(toNote(bent), opening).session.frames[0]!.body)).toEqual(Buffer.from(odd));
  });
});

describe('sessions of a process that died', () => {
  it('have their one outcome afterwards, whoever asks again, and nothing is kept of their jobs', async () => {
    const sessions = [1, 2, 3].map(session);
    await dies(sessions);
    const queue = await openProcess();
    queue.work(async ({ opening }) => ((await opening()).length === 1000 ? accepted : dead), {
      concurrency: 1,
    });
    await recoverOutcomes(parts(queue), never);
    expect(recorded()).toHaveLength(3);
    for (const { verdict, credit, share } of recorded())
      expect({ verdict, credit, share }).toEqual({
        verdict: accepted,
        credit: { opsPerS: 500 },
        share: 0.5,
      });
    expect(await ledger.readOpening(sessions[0]!.job.id)).toHaveLength(
      sessions[0]!.entry.session.frames.slice(1).reduce((sum, { body }) => sum + body.length, 0),
    );
    expect((await openProcess()).recovered).toEqual([]);
    // their event is completed by nobody: no score rests on them
    expect(ledger.completedEvents({ fromEpoch: 0 })).toEqual([]);
  });

  it('that the ledger has already keep the verdict that it has', async () => {
    const one = session(1);
    await dies([one]);
    const verdict: Verdict = { kind: 'rejected', reason: 'seed' };
    await ledger.append({ ...one.entry, outcome: { ...one.entry.outcome, verdict } });
    const queue = await openProcess();
    await recoverOutcomes(parts(queue), never); // before anybody comes to it
    let judged = 0;
    queue.work(
      async () => {
        judged++;
        return accepted;
      },
      { concurrency: 1 },
    );
    expect(recorded().map((outcome) => outcome.verdict)).toEqual([verdict]);
    expect([judged, queue.status().setAside, queue.status().bytes]).toEqual([0, 0, 0]);
    expect((await openProcess()).recovered).toEqual([]);
  });

  it('that nobody can judge, or whose credit hung on others, are our fault, and say so', async () => {
    const [gone, round] = [session(1), session(2)];
    await dies([gone]);
    const first = await openProcess();
    first.work(
      async () => {
        throw new Error('none');
      },
      { concurrency: 1 },
    );
    await recoverOutcomes(parts(first), never);
    await dies([round]);
    const second = await openProcess();
    second.work(async () => accepted, { concurrency: 1 });
    await recoverOutcomes(parts(second, kindsOf({ round: {} })), never);
    for (const { verdict, credit } of recorded())
      expect({ verdict, credit }).toEqual({
        verdict: { kind: 'inconclusive', cause: 'validator-fault' },
        credit: {},
      });
    expect(recorded()).toHaveLength(2);
  });

  it('whose job was set aside have their outcome also where the process died between the two', async () => {
    const { job, opening, entry } = session(1);
    const first = await openProcess();
    first.work(() => Promise.reject(new Error('none')), { concurrency: 1 });
    const end = await first.add(job, { opening, note: toNote(entry) }, never);
    expect(end).toMatchObject({ kind: 'set-aside', reason: 'not-judged' });
    const second = await openProcess();
    second.work(async () => accepted, { concurrency: 1 });
    await recoverOutcomes(parts(second), never);
    expect(recorded().map(({ verdict }) => verdict)).toEqual([
      { kind: 'inconclusive', cause: 'validator-fault' },
    ]);
    expect(await ledger.readOpening(job.id)).toBeDefined();
    expect((await openProcess()).recovered).toEqual([]);
    expect(await listSetAside(join(dir, 'queue'))).toMatchObject([{ id: job.id, bytes: 1000 }]);
  });

  it('are left for the next process by one that is stopped before it comes to them', async () => {
    await dies([session(1)]);
    const stop = new AbortController();
    const queue = await openProcess();
    const recovering = recoverOutcomes(parts(queue), stop.signal);
    stop.abort(new Error('stopping'));
    await recovering;
    expect(recorded()).toEqual([]);
    expect((await openProcess()).recovered).toHaveLength(1);
  });
});
