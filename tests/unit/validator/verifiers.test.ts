// The pool over examiners that are no threads: what is asked where, and whose fault it is that nobody answers.
import { describe, expect, test } from 'vitest';
import { AssayError } from '../../../src/model/errors.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { accepted, rejected } from '../../../src/model/verdict.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import type { Examiner, startExaminer } from '../../../src/validator/examiner.js';
import { createVerifierPool, type EventVerifier, type Question } from '../../../src/validator/verifiers.js';
import { type AnyProofKind, kinds } from '../../../src/verification/kinds/index.js';
import { recordingLog } from '../../support/logs.js';
import { toyKind } from '../../support/toy-kind.js';

const kind: AnyProofKind = { ...toyKind(), kind: 'scripted' };
const basis = new Uint8Array(32);
const SILENT_MS = 50_000;
const LONG_MS = 30_000;

/** What an examiner does with a question, by the name at the beginning of its opening. */
type Act = 'answers' | 'takes long' | 'rejects' | 'dies' | 'hangs' | 'throws' | 'dies once' | 'dies twice';

interface Setting {
  readonly threads?: number;
  /** what becomes of a question about nothing */
  readonly onNothing?: (nth: number) => 'answers' | 'dies' | 'hangs';
  /** whether the machine has a thread to give */
  readonly mayStart?: (nth: number) => boolean;
}

function scene({ threads = 1, onNothing = () => 'answers', mayStart = () => true }: Setting = {}) {
  const clock = createVirtualClock();
  const { log, lines } = recordingLog();
  const left = new Map<string, number>();
  /** `<examiner>: <miner or nothing>`, in the order of asking */
  const asked: string[] = [];
  /** how many others were being asked at each question about nothing */
  const beside: number[] = [];
  let examiners = 0;
  let nothings = 0;
  let inHand = 0;
  const examiner: typeof startExaminer = (_parts, onEnd) => {
    const name = ++examiners;
    if (!mayStart(name)) throw new Error(`no thread ${name}`);
    const holds = new Set<number>();
    const ended = new AbortController();
    const end = () => {
      onEnd({ code: 7, cause: undefined, asked: false });
      return new AssayError('internal', `examiner ${name} ended`, { what: 'ended' });
    };
    return {
      holds,
      async ask({ id }, { evidence }, silentMs) {
        holds.add(id);
        if (evidence.opening.length === 0) beside.push(inHand);
        inHand++;
        const [from = '', act = '', nth = ''] = Buffer.from(evidence.opening).toString().split('/');
        asked.push(`${name}: ${from || 'nothing'}`);
        const does =
          evidence.opening.length === 0 ? onNothing(++nothings) : actOf(act as Act, `${from}/${nth}`);
        const takesMs = does === 'hangs' ? silentMs : does === 'takes long' ? LONG_MS : 1;
        await clock.sleep(takesMs, ended.signal);
        inHand--;
        if (does === 'throws') throw new RangeError('thrown on purpose');
        if (does === 'dies' || does === 'hangs') throw end();
        return { verdict: does === 'rejects' ? rejected('path') : accepted, opening: evidence.opening };
      },
      forget() {},
      end: async () => ended.abort(),
    } satisfies Examiner;
  };

  function actOf(act: Act, name: string) {
    if (act !== 'dies once' && act !== 'dies twice') return act;
    const more = (left.get(name) ?? (act === 'dies once' ? 1 : 2)) - 1;
    left.set(name, more);
    return more >= 0 ? 'dies' : 'answers';
  }

  const stop = new AbortController();
  const pool = createVerifierPool(
    {
      clock,
      log,
      threads,
      examiner,
      silentMs: SILENT_MS,
      module: { url: new URL('file:///none'), kinds: { scripted: kind } },
    },
    stop.signal,
  );
  const verifier = pool.forEvent({ basis, random: createSeededRandom('event') });
  let nth = 0;
  const ask = async (from: string, act: Act, paramsId = 'a', by: EventVerifier = verifier) => {
    const bytes = () => Uint8Array.from(Buffer.from(`${from}/${act}/${nth}`));
    nth++;
    const question: Question = {
      kind,
      paramsId,
      challenge: { params: {}, basis, seed: basis },
      evidence: { commits: [new Uint8Array(4)], request: new Uint8Array(4), opening: bytes() },
      from,
    };
    const got = await by.verify(question).catch((error: Error) => error);
    return got instanceof Error
      ? `${from}: ${got.message}`
      : `${from}: ${got.verdict.kind === 'rejected' ? got.verdict.reason : got.verdict.kind}`;
  };
  const all = <T>(promises: readonly Promise<T>[]) => clock.runUntil(Promise.all(promises));
  return { clock, pool, ask, all, asked, beside, lines, stop, examiners: () => examiners };
}

describe('a question that a thread leaves unanswered', () => {
  test('is asked again on one that was never asked anything but a question about nothing', async () => {
    const { ask, all, asked, pool } = scene();
    expect(await all([ask('one', 'dies once')])).toEqual(['one: accepted']);
    expect(asked).toEqual(['1: one', '2: nothing', '2: one']);
    expect(pool.tally!()).toEqual({ failures: 1, answered: 1, poison: 0, unjudged: 0 });
  });

  test('again and alone is what ends threads: another thread that answers about nothing says so', async () => {
    const { ask, all, asked, pool, lines } = scene();
    expect(await all([ask('one', 'dies twice')])).toEqual(['one: poison']);
    expect(asked).toEqual(['1: one', '2: nothing', '2: one', '3: nothing']);
    expect(pool.tally!()).toEqual({ failures: 2, answered: 0, poison: 1, unjudged: 0 });
    expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
      { msg: 'evidence that ends whoever verifies it', miner: 'one', kind: 'scripted' },
    ]);
  });

  test.each(['dies', 'hangs', 'throws'] as const)('is the same whether verifying it %s', async (act) => {
    const { ask, all } = scene();
    expect(await all([ask('one', act), ask('two', 'answers')])).toEqual(['one: poison', 'two: accepted']);
  });

  test('waits until no other does or is being answered: alone, so that nothing of theirs can end it', async () => {
    const { ask, all, beside } = scene({ threads: 2 });
    await all([ask('bad', 'dies'), ...Array.from({ length: 7 }, () => ask('good', 'answers'))]);
    expect(beside).toEqual([0, 0]);
  });

  test('leaves the other questions of its miner to the same place: one that hangs must not hold up everybody', async () => {
    const { ask, all, clock } = scene();
    const done: number[] = [];
    const good = Array.from({ length: 4 }, async () => {
      await ask('good', 'answers');
      done.push(clock.monotonic());
    });
    const bad = Array.from({ length: 8 }, async () => void (await ask('bad', 'hangs')));
    await all([...good, ...bad]);
    expect(done.every((at) => at < SILENT_MS + 10)).toBe(true);
  });

  test('is tried no more in the event once its miner was found out and has cost a minute', async () => {
    const { ask, all, clock } = scene();
    const verdicts = await all(Array.from({ length: 64 }, () => ask('bad', 'hangs')));
    expect(new Set(verdicts)).toEqual(new Set(['bad: poison']));
    // one on the common thread and again, then one more twice
    expect(clock.monotonic()).toBeLessThan(4 * SILENT_MS + 100);
  });

  test('is held against nobody else, nor against whoever was answered since', async () => {
    const { ask, all, asked } = scene();
    await all([ask('one', 'dies once')]);
    asked.length = 0;
    expect(await all([ask('one', 'answers')])).toEqual(['one: accepted']);
    expect(asked).toEqual(['3: one']); // no question about nothing before it
  });
});

describe('a machine that cannot judge', () => {
  test('shows by a question about nothing before the second try: nobody is rejected', async () => {
    const { ask, all, pool } = scene({ onNothing: () => 'dies' });
    const verdicts = await all([ask('one', 'dies'), ask('two', 'dies'), ask('three', 'answers')]);
    expect(verdicts).toEqual(['one: examiner 1 ended', 'two: examiner 1 ended', 'three: accepted']);
    expect(pool.tally!()).toMatchObject({ poison: 0, unjudged: 2 });
  });

  test('or by one after it', async () => {
    const { ask, all, pool } = scene({ onNothing: (nth) => (nth === 1 ? 'answers' : 'dies') });
    expect(await all([ask('one', 'dies')])).toEqual(['one: examiner 2 ended']);
    expect(pool.tally!()).toMatchObject({ poison: 0, unjudged: 1 });
  });

  test('or because it takes too long for it: then silence says nothing', async () => {
    const { ask, all, clock } = scene({ onNothing: () => 'hangs' });
    expect(await all([ask('one', 'hangs')])).toEqual(['one: examiner 1 ended']);
    expect(clock.monotonic()).toBeCloseTo(1.1 * SILENT_MS, -1);
  });

  test('for parameters under which several end threads and nobody is accepted', async () => {
    const { ask, all } = scene();
    const verdicts = await all([ask('one', 'dies'), ask('two', 'dies'), ask('three', 'rejects')]);
    expect(verdicts).toEqual(['one: examiner 4 ended', 'two: examiner 4 ended', 'three: path']);
  });

  test('but where somebody is accepted under them, or what ends threads has others, it can', async () => {
    const { ask, all } = scene();
    const verdicts = await all([
      ask('one', 'dies'),
      ask('two', 'dies'),
      ask('three', 'answers'),
      ask('four', 'dies', 'b'),
    ]);
    expect(verdicts).toEqual(['one: poison', 'two: poison', 'three: accepted', 'four: poison']);
  });

  test('is no excuse for what ends threads under parameters of its own', async () => {
    const { ask, all, pool } = scene();
    const verdicts = await all([
      ask('one', 'dies'),
      ask('two', 'dies'),
      ask('three', 'dies', 'b'),
      ask('four', 'answers', 'b'),
    ]);
    expect(verdicts).toEqual([
      'one: examiner 5 ended',
      'two: examiner 5 ended',
      'three: poison',
      'four: accepted',
    ]);
    expect(pool.tally!()).toMatchObject({ poison: 1, unjudged: 2 });
  });

  test('has no thread to give after one ended: what waits is nobody’s fault, and later questions are asked', async () => {
    const { ask, all, pool } = scene({ mayStart: (nth) => nth !== 2 });
    expect(await all([ask('one', 'dies once'), ask('two', 'answers')])).toEqual([
      'one: accepted',
      'two: no thread 2',
    ]);
    expect(pool.tally!()).toMatchObject({ poison: 0, unjudged: 1 });
    expect(await all([ask('three', 'answers')])).toEqual(['three: accepted']);
  });

  test('has fewer threads to give than it may: those that there are answer', async () => {
    const { ask, all, pool } = scene({ threads: 3, mayStart: (nth) => nth === 1 });
    expect(await all([ask('one', 'answers'), ask('two', 'answers')])).toEqual([
      'one: accepted',
      'two: accepted',
    ]);
    expect(pool.tally!()).toMatchObject({ failures: 0, unjudged: 0 });
  });

  test('or somebody is accepted a little later: who comes first finds no excuse in that', async () => {
    const { ask, all, clock, pool } = scene();
    const laterBy = async (ms: number) => {
      await clock.sleep(ms);
      return ask('three', 'answers');
    };
    const verdicts = await all([
      ask('one', 'dies'),
      ask('two', 'dies'),
      ask('two', 'answers'),
      laterBy(9000),
    ]);
    // what was never tried is tried then
    expect(verdicts).toEqual(['one: poison', 'two: poison', 'two: accepted', 'three: accepted']);
    expect(pool.tally!()).toMatchObject({ poison: 2, answered: 0, unjudged: 0 });
  });

  test('waits for what is being asked by then', async () => {
    const { ask, all, clock } = scene();
    const late = clock.sleep(9000).then(() => ask('three', 'takes long'));
    const verdicts = await all([ask('one', 'dies'), ask('two', 'dies'), late]);
    expect(verdicts).toEqual(['one: poison', 'two: poison', 'three: accepted']);
  });

  test('waits no longer than that for it', async () => {
    const { ask, all, clock } = scene();
    const late = clock.sleep(11_000).then(() => ask('three', 'answers'));
    const verdicts = await all([ask('one', 'dies'), ask('two', 'dies'), late]);
    expect(verdicts.slice(0, 2).every((each) => each.endsWith('ended'))).toBe(true);
  });

  test('leaves nobody waiting for that when it stops', async () => {
    const { ask, all, clock, stop } = scene();
    void clock.sleep(5000).then(() => stop.abort(new Error('stopping')));
    expect(await all([ask('one', 'dies'), ask('two', 'dies')])).toEqual(['one: stopping', 'two: stopping']);
    expect(clock.monotonic()).toBe(5000);
  });

  test('does not carry what one event showed into the next', async () => {
    const { ask, all, pool } = scene();
    await all([ask('one', 'dies'), ask('two', 'answers')]);
    const next = pool.forEvent({ basis, random: createSeededRandom('next') });
    const verdicts = await all([ask('three', 'dies', 'a', next), ask('four', 'dies', 'a', next)]);
    expect(verdicts.every((each) => each.endsWith('ended'))).toBe(true);
  });
});

test.each(Object.values(kinds))('$kind answers a question about nothing: with a rejection', (of) => {
  const { table, facts, drawSecret, verify } = of!;
  const params = [...table.values()].find((each) => facts(each).localnetOnly);
  const challenge = { params, basis, seed: basis, place: basis };
  const none = new Uint8Array();
  const evidence = {
    commits: facts(params).phases.map(() => none),
    pass: basis,
    request: none,
    opening: none,
  };
  expect(verify(challenge, evidence, drawSecret(params, basis, createSeededRandom('any'))).kind).toBe(
    'rejected',
  );
});

test('miners are served in turn, however many questions one has', async () => {
  const { ask, all, asked } = scene();
  await all([
    ...Array.from({ length: 5 }, () => ask('many', 'answers')),
    ask('one', 'answers'),
    ask('two', 'answers'),
  ]);
  expect(asked.map((each) => each.split(': ')[1])).toEqual([
    'many',
    'one',
    'two',
    'many',
    'many',
    'many',
    'many',
  ]);
});

test('an abort rejects what is tried again as well', async () => {
  const { ask, all, stop, clock, examiners } = scene();
  const reason = new Error('stopping');
  void clock.sleep(SILENT_MS + 100).then(() => stop.abort(reason));
  const verdicts = await all([ask('one', 'hangs'), ask('one', 'hangs'), ask('two', 'answers')]);
  expect(verdicts).toEqual(['one: stopping', 'one: stopping', 'two: accepted']);
  expect(examiners()).toBe(3); // and begins nothing any more
});
