import { describe, expect, it } from 'vitest';
import { accepted, rejected } from '../../../src/model/verdict.js';
import {
  assertStamp,
  jobDigest,
  MAX_JOB_BYTES,
  openEnd,
  openJob,
  sealEnd,
  sealJob,
} from '../../../src/validator/queue/job.js';
import { toQueueKey } from '../../../src/validator/queue/queue-key.js';
import { QUEUE_KEY, STAMP, testJob } from '../../support/jobs.js';
import fc from '../../support/properties.js';

const OTHER = toQueueKey(new Uint8Array(32).fill(8));
const { job } = testJob(1);
const sealed = sealJob(QUEUE_KEY, STAMP, job);

/** Bytes are bytes, whatever class of them came back. */
const plain = (value: object): unknown =>
  Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) =>
      each === undefined ? [] : [[name, each instanceof Uint8Array ? [...each] : each]],
    ),
  );

describe("a job's bytes", () => {
  it('come back as they were, with and without what is optional', () => {
    const full = {
      ...job,
      place: new Uint8Array(32).fill(1),
      brief: Uint8Array.of(1, 2),
      pass: new Uint8Array(32).fill(2),
    };
    for (const each of [job, full]) {
      const { job: back, stamp } = openJob(QUEUE_KEY, sealJob(QUEUE_KEY, STAMP, each));
      expect(stamp).toEqual(STAMP);
      expect(plain({ ...back, opening: back.opening.bytes })).toEqual(
        plain({ ...each, opening: each.opening.bytes }),
      );
    }
  });

  it('are refused where one bit is another, wherever it is', () => {
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const bent = Uint8Array.from(sealed);
        bent[at]! ^= 1 << bit;
        expect(() => openJob(QUEUE_KEY, bent)).toThrow(at === 0 ? /of format/ : /did not mark/);
      }),
      { seed: 9, numRuns: 200 },
    );
  });

  it('are refused of any other bytes, before anything is made of them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => openJob(QUEUE_KEY, bytes)).toThrow(/^(job|the queue's key)/);
      }),
      { seed: 9, numRuns: 200 },
    );
    expect(() => openJob(QUEUE_KEY, new Uint8Array(MAX_JOB_BYTES + 1))).toThrow('at most 131072');
  });

  it('are refused under another key, of another format, and of what is no job but marked', () => {
    expect(() => openJob(OTHER, sealed)).toThrow("the queue's key did not mark this job");
    expect(() => openJob(QUEUE_KEY, Uint8Array.of(2, ...sealed.subarray(1)))).toThrow(
      'job: of format 2, and this build reads format 1',
    );
    const params = { rows: 3 }; // not what paramsId addresses
    expect(() => openJob(QUEUE_KEY, sealJob(QUEUE_KEY, STAMP, { ...job, params }))).toThrow('something else');
    const more = { ...job, more: 1 };
    expect(() => openJob(QUEUE_KEY, sealJob(QUEUE_KEY, STAMP, more))).toThrow('something else');
    const end = sealEnd(QUEUE_KEY, STAMP, {
      id: job.id,
      digest: jobDigest(sealed),
      end: { kind: 'done', verdict: accepted },
    });
    expect(() => openJob(QUEUE_KEY, end)).toThrow("the queue's key did not mark this job");
  });

  it('say whose they are: another deployment is refused by name, and another build', () => {
    const other = { ...STAMP, deployment: { ...STAMP.deployment, netuid: 4 } };
    expect(() => assertStamp('job', other, STAMP)).toThrow(
      "job: expected one of netuid 3, got one of netuid 4: another deployment's",
    );
    expect(() => assertStamp('job', { ...STAMP, build: '9.9.9' }, STAMP)).toThrow('of build 9.9.9');
    expect(() => assertStamp('job', STAMP, STAMP)).not.toThrow();
  });
});

describe("a job's end", () => {
  it('is bound to the job that it ends', () => {
    const end = { kind: 'done', verdict: rejected('seed') } as const;
    const back = openEnd(
      QUEUE_KEY,
      sealEnd(QUEUE_KEY, STAMP, { id: job.id, digest: jobDigest(sealed), end }),
    );
    expect(back.end).toEqual(end);
    expect(back.digest).toEqual(Uint8Array.from(jobDigest(sealed)));
  });

  it('is none without the key', () => {
    const end = { kind: 'done', verdict: accepted } as const;
    const forged = sealEnd(OTHER, STAMP, { id: job.id, digest: jobDigest(sealed), end });
    expect(() => openEnd(QUEUE_KEY, forged)).toThrow("the queue's key did not mark this end");
  });
});
