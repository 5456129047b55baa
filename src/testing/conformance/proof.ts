// Owns: what every proof kind must do, whoever wrote it. Does not own: the kinds' own mathematics (their unit tests).
import assert from 'node:assert/strict';
import type { Devices } from '../../compute/compute.js';
import { isAssayError } from '../../model/errors.js';
import { createSeededRandom, type Random } from '../../model/prng.js';
import { type Rejection, verdictToString } from '../../model/verdict.js';
import {
  type Challenge,
  type Evidence,
  type Pace,
  type ProofKind,
  type Proving,
  UNHURRIED,
} from '../../verification/proof.js';
import { allCommits } from '../../verification/steps.js';

/** A prover that lies, what it may be rejected for, and how often the mathematics lets it pass. */
export interface Liar<Params> {
  readonly name: string;
  prove(devices: Devices & Pace, challenge: Challenge<Params>, signal: AbortSignal): Promise<Proving>;
  readonly reasons: readonly Rejection[];
  /** Chance of being accepted; 0 where every opening gives it away. */
  acceptance(challenge: Challenge<Params>): number;
}

export interface ProofSubject<Params, Secret> {
  readonly kind: ProofKind<Params, Secret>;
  readonly devices: Devices;
  /** a proof takes milliseconds */
  readonly params: Params;
  /** a proof whose every bit can be flipped and judged within seconds */
  readonly tiny: Params;
  /** valid parameters under which evidence for `params` must not pass */
  readonly others: readonly Params[];
  readonly liars: readonly Liar<Params>[];
  /** for kinds with rounds: a slot's part in one, and what this slot sees of the others */
  readonly round?: (
    params: Params,
    random: Random,
  ) => { readonly brief: Uint8Array; readonly kept: Uint8Array; readonly devices: Partial<Devices> };
  /** how long the first step may take, for each proof anew. @default as long as it likes */
  readonly pace?: () => Pace;
  /** honest proofs, and attempts of each liar. @default 60 */
  readonly trials?: number;
}

interface Part {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** the evidence with other bytes in this one's place */
  with(bytes: Uint8Array): Evidence;
}

export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/**
 * The cases, for any test runner:
 *
 *     for (const { name, run } of proofConformance(subject)) test(name, run);
 */
export function proofConformance<Params, Secret>(
  subject: ProofSubject<Params, Secret>,
): readonly ConformanceCase[] {
  const { kind, params, tiny, trials = 60 } = subject;
  const { signal } = new AbortController();
  const rounds = new WeakMap<Challenge<Params>, ReturnType<NonNullable<typeof subject.round>>>();
  const devicesOf = (given: Challenge<Params>): Devices & Pace => ({
    ...subject.devices,
    ...rounds.get(given)?.devices,
    ...(subject.pace?.() ?? UNHURRIED),
  });
  const issue = (given: Challenge<Params>, commits: readonly Uint8Array[], random: Random): Uint8Array =>
    kind.issue(given.params, commits, random, rounds.get(given)?.kept);

  const challenge = (random: Random, of: Params = params): Challenge<Params> => {
    const given = {
      params: of,
      basis: random.bytes(32),
      seed: random.bytes(32),
      place: random.fork('place').bytes(32),
    };
    const round = subject.round?.(of, random.fork('round'));
    if (!round) return given;
    const briefed = { ...given, brief: round.brief };
    rounds.set(briefed, round);
    return briefed;
  };

  /** The walk of one session: prove, then samples and secret, then the opening. */
  async function session(
    given: Challenge<Params>,
    random: Random,
    prove: Liar<Params>['prove'] = kind.prove,
  ): Promise<{ evidence: Evidence; secret: Secret }> {
    const proving = await prove(devicesOf(given), given, signal);
    try {
      const { commits, pass } = await committed(given.params, proving, random);
      const secret = kind.drawSecret(given.params, given.basis, random);
      // what is no commit is never opened
      const claimed = kind.credit(given.params, commits) !== undefined;
      const request = claimed ? issue(given, commits, random) : new Uint8Array(0);
      const opening = claimed ? await proving.open(request) : new Uint8Array(0);
      return { evidence: { commits, pass, request, opening }, secret };
    } finally {
      proving.release();
    }
  }

  const committed = (of: Params, proving: Proving, random: Random) =>
    allCommits({ kind, random }, of, proving, signal);

  /** Evidence with the bytes of one part handed to `change`; commits are one part each. */
  const piecesOf = (evidence: Evidence): readonly Part[] => [
    ...evidence.commits.map((bytes, i) => ({
      name: `commit ${i}`,
      bytes,
      with: (changed: Uint8Array) => ({ ...evidence, commits: evidence.commits.with(i, changed) }),
    })),
    ...(['request', 'opening'] as const).map((name) => ({
      name,
      bytes: evidence[name],
      with: (changed: Uint8Array) => ({ ...evidence, [name]: changed }),
    })),
  ];

  const isAccepted = (given: Challenge<Params>, evidence: Evidence, secret: Secret): boolean =>
    kind.verify(given, evidence, secret).kind === 'accepted';

  const cases: ConformanceCase[] = [
    {
      name: 'accepts honest work for every seed',
      async run() {
        for (let trial = 0; trial < trials; trial++) {
          const random = createSeededRandom(`honest-${trial}`);
          const given = challenge(random);
          const { evidence, secret } = await session(given, random);
          assert.equal(verdictToString(kind.verify(given, evidence, secret)), 'accepted', `trial ${trial}`);
          const limits = kind.limits(params);
          for (const commit of evidence.commits)
            assert.ok(commit.length <= limits.commitBytes, 'commit within its limit');
          assert.ok(evidence.opening.length <= limits.openingBytes, 'opening within its limit');
          assert.ok(kind.credit(params, evidence.commits), 'honest commits claim something');
          for (let some = 1; some < evidence.commits.length; some++)
            assert.ok(kind.credit(params, evidence.commits.slice(0, some)), 'so do the first of them');
        }
      },
    },
    {
      name: 'reaches the same verdict again with a secret drawn anew',
      async run() {
        const random = createSeededRandom('again');
        const given = challenge(random);
        const { evidence } = await session(given, random);
        for (let again = 0; again < 3; again++)
          assert.ok(isAccepted(given, evidence, kind.drawSecret(params, given.basis, random)));
      },
    },
    {
      name: 'leaves evidence as it is, in whatever array it came',
      async run() {
        const random = createSeededRandom('as it is');
        const given = challenge(random);
        const { evidence, secret } = await session(given, random);
        // bytes off the wire are Buffers, whose slices are views
        const arrived: Evidence = {
          commits: evidence.commits.map((commit) => Buffer.from(commit)),
          pass: evidence.pass && Buffer.from(evidence.pass),
          request: Buffer.from(evidence.request),
          opening: Buffer.from(evidence.opening),
        };
        assert.ok(isAccepted(given, arrived, secret));
        for (const part of piecesOf(evidence))
          assert.ok(
            piecesOf(arrived).some(
              ({ name, bytes }) => name === part.name && Buffer.compare(bytes, part.bytes) === 0,
            ),
            `${part.name} unchanged`,
          );
        assert.ok(isAccepted(given, arrived, secret), 'and judged again');
      },
    },
    {
      name: 'answers several validators from one commit',
      async run() {
        const random = createSeededRandom('several');
        const given = challenge(random);
        const proving = await kind.prove(devicesOf(given), given, signal);
        const { commits, pass } = await committed(params, proving, random);
        const requests = [0, 1, 2].map(() => issue(given, commits, random));
        const openings = await Promise.all(requests.map((request) => proving.open(request)));
        requests.forEach((request, v) => {
          const secret = kind.drawSecret(params, given.basis, random);
          assert.ok(isAccepted(given, { commits, pass, request, opening: openings[v] }, secret));
        });
        // what one validator was shown does not answer another
        const crossed = { commits, pass, request: requests[0], opening: openings[1] };
        assert.ok(!isAccepted(given, crossed, kind.drawSecret(params, given.basis, random)));
        proving.release();
      },
    },
    {
      name: 'binds evidence to seed, basis and params',
      async run() {
        for (let trial = 0; trial < 8; trial++) {
          const random = createSeededRandom(`binds-${trial}`);
          const given = challenge(random);
          const { evidence, secret } = await session(given, random);
          const seed = flipped(given.seed, random.below(256));
          assert.equal(verdictToString(kind.verify({ ...given, seed }, evidence, secret)), 'rejected:seed');
          const basis = flipped(given.basis, random.below(256));
          const otherBasis = kind.drawSecret(params, basis, random);
          assert.ok(!isAccepted({ ...given, basis }, evidence, otherBasis), 'another basis');
          for (const other of subject.others) {
            const otherSecret = kind.drawSecret(other, given.basis, random);
            assert.ok(!isAccepted({ ...given, params: other }, evidence, otherSecret), 'other params');
          }
        }
      },
    },
    {
      name: 'accepts no evidence with one bit flipped',
      async run() {
        for (const seed of ['bits-0', 'bits-1']) {
          const random = createSeededRandom(seed);
          const given = challenge(random, tiny);
          const { evidence, secret } = await session(given, random);
          assert.ok(isAccepted(given, evidence, secret));
          for (const part of piecesOf(evidence)) {
            const bytes = part.bytes.slice();
            // every bit of the first half KiB, then each fifth byte, in all eight places
            for (let bit = 0; bit < 8 * bytes.length; bit += bit < 4096 ? 1 : 41) {
              flip(bytes, bit);
              const verdict = kind.verify(given, part.with(bytes), secret);
              if (verdict.kind !== 'rejected')
                assert.fail(`bit ${bit} of ${part.name} flipped: ${verdictToString(verdict)}`);
              flip(bytes, bit);
            }
          }
        }
      },
    },
    {
      name: 'has a verdict for every byte string, and accepts none that was not proven',
      async run() {
        const random = createSeededRandom('fuzz');
        const given = challenge(random, tiny);
        const { evidence, secret } = await session(given, random);
        const limit = kind.limits(tiny).openingBytes;
        const empty = new Uint8Array(0);
        const judged = (fuzzed: Evidence): void =>
          assert.equal(kind.verify(given, fuzzed, secret).kind, 'rejected', 'a byte string nobody proved');
        judged({ commits: [empty], request: empty, opening: empty });
        judged({ ...evidence, commits: [] });
        judged({ ...evidence, commits: [...evidence.commits, evidence.commits[0]] });
        if (evidence.pass) {
          judged({ ...evidence, pass: undefined });
          judged({ ...evidence, pass: random.bytes(32) });
        }
        for (const part of piecesOf(evidence)) {
          const whole = part.bytes;
          for (let length = 0; length < whole.length; length += 1 + (length >> 5))
            judged(part.with(whole.subarray(0, length)));
          judged(part.with(Uint8Array.of(...whole, 0)));
          judged(part.with(new Uint8Array(limit + 1)));
          for (let trial = 0; trial < 400; trial++) {
            judged(part.with(random.bytes(random.below(limit))));
            if (whole.length > 0) judged(part.with(mutated(whole, random)));
          }
        }
      },
    },
    {
      name: 'claims nothing for a commit that is none',
      async run() {
        const random = createSeededRandom('claims');
        const { evidence } = await session(challenge(random), random);
        const claims = (commits: readonly Uint8Array[]): void =>
          assert.equal(kind.credit(params, commits), undefined);
        claims([]);
        claims([new Uint8Array(0)]);
        claims([...evidence.commits, evidence.commits[0]]);
        for (const [i, commit] of evidence.commits.entries()) {
          claims(evidence.commits.with(i, commit.subarray(1)));
          for (let trial = 0; trial < 200; trial++)
            claims(evidence.commits.with(i, random.bytes(random.below(64))));
        }
      },
    },
    {
      name: 'draws samples from nothing but the randomness handed in',
      async run() {
        const random = createSeededRandom('draws');
        const given = challenge(random);
        const { commits } = (await session(given, random)).evidence;
        const issued = (seed: string): Uint8Array => issue(given, commits, createSeededRandom(seed));
        assert.deepEqual(issued('a'), issued('a'));
        assert.notDeepEqual(issued('a'), issued('b'));
      },
    },
    {
      name: 'refuses to open what was not asked properly, and after release',
      async run() {
        const random = createSeededRandom('refuses');
        const given = challenge(random);
        const proving = await kind.prove(devicesOf(given), given, signal);
        const { commits } = await committed(params, proving, random);
        const request = issue(given, commits, random);
        const isRefusal = (error: unknown): boolean => isAssayError(error, 'invalid-input');
        await assert.rejects(proving.open(new Uint8Array(0)), isRefusal);
        await assert.rejects(proving.open(request.subarray(1)), isRefusal);
        await assert.rejects(proving.open(random.bytes(request.length)), isRefusal);
        assert.ok((await proving.open(request)).length > 0, 'a bad request does not spoil a good one');
        proving.release();
        await assert.rejects(proving.open(request), isRefusal);
      },
    },
    {
      name: 'stops when aborted, with the reason given',
      async run() {
        const random = createSeededRandom('aborted');
        const reason = new Error('enough');
        const given = challenge(random);
        await assert.rejects(kind.prove(devicesOf(given), given, AbortSignal.abort(reason)), reason);
        const during = new AbortController();
        const proving = kind.prove(devicesOf(given), given, during.signal);
        during.abort(reason);
        await assert.rejects(proving, reason);
      },
    },
    {
      name: 'keeps its secret out of JSON, fields and prose',
      async run() {
        const secret = kind.drawSecret(params, new Uint8Array(32), createSeededRandom('secret'));
        assert.throws(() => JSON.stringify(secret), TypeError);
        assert.throws(() => JSON.stringify({ outcome: { secret } }), TypeError);
        assert.deepEqual(Object.keys(secret as object), []);
        assert.deepEqual(Reflect.ownKeys(secret as object), []);
        assert.doesNotMatch(String(secret), /\d{3}/);
      },
    },
    {
      name: 'parses its own parameters and names the key that is wrong',
      async run() {
        const parsed = kind.parseParams(JSON.parse(JSON.stringify(params)));
        assert.deepEqual(parsed, params);
        assert.throws(() => kind.parseParams({ ...params, surprise: 1 }), /surprise/);
        for (const value of [null, 1, 'x', [], {}]) {
          const isInvalid = (error: unknown): boolean => isAssayError(error, 'invalid-input');
          assert.throws(() => kind.parseParams(value), isInvalid);
        }
        for (const [id, known] of kind.table) {
          assert.match(id, /^[0-9a-f]{64}$/);
          assert.deepEqual(kind.parseParams(known), known);
          for (const { withinMs } of kind.facts(known).phases) assert.ok(withinMs > 0);
        }
      },
    },
  ];

  for (const liar of subject.liars)
    cases.push({
      name: `meets the liar that ${liar.name}`,
      async run() {
        let acceptedCount = 0;
        let expected = 0;
        let variance = 0;
        for (let trial = 0; trial < trials; trial++) {
          const random = createSeededRandom(`${liar.name}-${trial}`);
          const given = challenge(random);
          const { evidence, secret } = await session(given, random, liar.prove.bind(liar));
          const verdict = kind.verify(given, evidence, secret);
          if (verdict.kind === 'accepted') acceptedCount++;
          else
            assert.ok(
              verdict.kind === 'rejected' && liar.reasons.includes(verdict.reason),
              `expected ${liar.reasons.join(' or ')}, got ${verdictToString(verdict)}`,
            );
          const chance = liar.acceptance(given);
          expected += chance;
          variance += chance * (1 - chance);
        }
        // both ways: more is a hole, fewer means that the liar does not do the best it can. Seeds are fixed, so that
        // this never flakes; five deviations keep a change of seeds from failing
        const slack = 5 * Math.sqrt(variance);
        assert.ok(
          Math.abs(acceptedCount - expected) <= slack,
          `accepted ${acceptedCount} of ${trials}, expected ${expected.toFixed(2)} +- ${slack.toFixed(2)}`,
        );
      },
    });
  return cases;
}

function flip(bytes: Uint8Array, bit: number): void {
  bytes[bit >> 3] ^= 1 << (bit & 7);
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const out = bytes.slice();
  flip(out, bit);
  return out;
}

/** `bytes` with a stretch removed, repeated or replaced; never `bytes` itself. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const from = random.below(bytes.length);
  const length = 1 + random.below(Math.min(64, bytes.length - from));
  const before = bytes.subarray(0, from);
  const after = bytes.subarray(from + length);
  const stretch = bytes.subarray(from, from + length);
  const kind = random.below(3);
  if (kind === 0) return Uint8Array.of(...before, ...after);
  if (kind === 1) return Uint8Array.of(...before, ...stretch, ...stretch, ...after);
  return Uint8Array.of(...before, ...stretch.map((byte) => byte ^ (1 + random.below(255))), ...after);
}
