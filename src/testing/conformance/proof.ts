// Owns: what every proof kind must do, whoever wrote it. Does not own: the kinds' own mathematics (their unit tests).
import assert from 'node:assert/strict';
import type { Compute } from '../../compute/compute.js';
import { isAssayError } from '../../model/errors.js';
import { createSeededRandom, type Random } from '../../model/prng.js';
import { type Rejection, verdictToString } from '../../model/verdict.js';
import type { Challenge, Evidence, ProofKind, Proving } from '../../verification/proof.js';

/** A prover that lies, what it may be rejected for, and how often the mathematics lets it pass. */
export interface Liar<Params> {
  readonly name: string;
  prove(parts: { compute: Compute }, challenge: Challenge<Params>, signal: AbortSignal): Promise<Proving>;
  readonly reasons: readonly Rejection[];
  /** Chance of being accepted; 0 where every opening gives it away. */
  acceptance(challenge: Challenge<Params>): number;
}

export interface ProofSubject<Params, Secret> {
  readonly kind: ProofKind<Params, Secret>;
  readonly compute: Compute;
  /** a proof takes milliseconds */
  readonly params: Params;
  /** a proof whose every bit can be flipped and judged within seconds */
  readonly tiny: Params;
  /** valid parameters under which evidence for `params` must not pass */
  readonly others: readonly Params[];
  readonly liars: readonly Liar<Params>[];
  /** honest proofs, and attempts of each liar. @default 60 */
  readonly trials?: number;
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
  const { kind, compute, params, tiny, trials = 60 } = subject;
  const { signal } = new AbortController();

  const challenge = (random: Random, of: Params = params): Challenge<Params> => ({
    params: of,
    basis: random.bytes(32),
    seed: random.bytes(32),
  });

  /** The walk of one session: prove, then samples and secret, then the opening. */
  async function session(
    given: Challenge<Params>,
    random: Random,
    prove: Liar<Params>['prove'] = kind.prove,
  ): Promise<{ evidence: Evidence; secret: Secret }> {
    const proving = await prove({ compute }, given, signal);
    try {
      const secret = kind.drawSecret(given.params, given.basis, random);
      const request = kind.issue(given.params, random);
      const opening = await proving.open(request);
      return { evidence: { commit: proving.commit, request, opening }, secret };
    } finally {
      proving.release();
    }
  }

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
          assert.ok(evidence.commit.length <= limits.commitBytes, 'commit within its limit');
          assert.ok(evidence.opening.length <= limits.openingBytes, 'opening within its limit');
          assert.ok(
            (kind.claimedOps(params, evidence.commit) ?? 0) > 0,
            'an honest commit claims operations',
          );
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
      name: 'answers several validators from one commit',
      async run() {
        const random = createSeededRandom('several');
        const given = challenge(random);
        const proving = await kind.prove({ compute }, given, signal);
        const requests = [kind.issue(params, random), kind.issue(params, random), kind.issue(params, random)];
        const openings = await Promise.all(requests.map((request) => proving.open(request)));
        requests.forEach((request, v) => {
          const secret = kind.drawSecret(params, given.basis, random);
          assert.ok(isAccepted(given, { commit: proving.commit, request, opening: openings[v] }, secret));
        });
        // what one validator was shown does not answer another
        const crossed = { commit: proving.commit, request: requests[0], opening: openings[1] };
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
          for (const part of ['commit', 'request', 'opening'] as const) {
            const bytes = evidence[part].slice();
            for (let bit = 0; bit < 8 * bytes.length; bit++) {
              flip(bytes, bit);
              const verdict = kind.verify(given, { ...evidence, [part]: bytes }, secret);
              if (verdict.kind !== 'rejected')
                assert.fail(`bit ${bit} of ${part} flipped: ${verdictToString(verdict)}`);
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
        judged({ commit: empty, request: empty, opening: empty });
        for (const part of ['commit', 'request', 'opening'] as const) {
          const whole = evidence[part];
          for (let length = 0; length < whole.length; length += 1 + (length >> 5))
            judged({ ...evidence, [part]: whole.subarray(0, length) });
          judged({ ...evidence, [part]: Uint8Array.of(...whole, 0) });
          judged({ ...evidence, [part]: new Uint8Array(limit + 1) });
          for (let trial = 0; trial < 400; trial++) {
            judged({ ...evidence, [part]: random.bytes(random.below(limit)) });
            judged({ ...evidence, [part]: mutated(whole, random) });
          }
        }
      },
    },
    {
      name: 'claims nothing for a commit that is none',
      async run() {
        const random = createSeededRandom('claims');
        const { evidence } = await session(challenge(random), random);
        assert.equal(kind.claimedOps(params, new Uint8Array(0)), undefined);
        assert.equal(kind.claimedOps(params, evidence.commit.subarray(1)), undefined);
        for (let trial = 0; trial < 200; trial++)
          assert.equal(kind.claimedOps(params, random.bytes(random.below(64))), undefined);
      },
    },
    {
      name: 'draws samples from nothing but the randomness handed in',
      async run() {
        const issued = (seed: string): Uint8Array => kind.issue(params, createSeededRandom(seed));
        assert.deepEqual(issued('a'), issued('a'));
        assert.notDeepEqual(issued('a'), issued('b'));
      },
    },
    {
      name: 'refuses to open what was not asked properly, and after release',
      async run() {
        const random = createSeededRandom('refuses');
        const proving = await kind.prove({ compute }, challenge(random), signal);
        const request = kind.issue(params, random);
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
        await assert.rejects(kind.prove({ compute }, challenge(random), AbortSignal.abort(reason)), reason);
        const during = new AbortController();
        const proving = kind.prove({ compute }, challenge(random), during.signal);
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
          assert.ok(kind.facts(known).windowMs > 0);
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
