import { describe, expect, test } from 'vitest';
import { createPackedCompute } from '../../../../src/compute/cpu/packed.js';
import { createMemoryDisk, encodeSectors, plotOver } from '../../../../src/compute/disk/memory.js';
import { sectorBytes } from '../../../../src/compute/spec/plot.js';
import { isAssayError } from '../../../../src/model/errors.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import {
  decodeCommits,
  decodeRequest,
  encodeAnswer,
  encodeCommit,
  encodeRange,
  encodeRequest,
  limits,
  type Request,
} from '../../../../src/verification/kinds/storage/codec.js';
import { storageProof } from '../../../../src/verification/kinds/storage/index.js';
import { issue } from '../../../../src/verification/kinds/storage/issue.js';
import {
  creditedBytes,
  missingShare,
  plotName,
  storageParamsByClass,
} from '../../../../src/verification/kinds/storage/params.js';
import { createProving } from '../../../../src/verification/kinds/storage/prove.js';
import { drawOrder, questionsFor } from '../../../../src/verification/kinds/storage/questions.js';
import { verify } from '../../../../src/verification/kinds/storage/verify.js';
import { UNHURRIED } from '../../../../src/verification/proof.js';

const small = storageParamsByClass('small')!;
const nvme = storageParamsByClass('nvme')!;
const random = createSeededRandom('storage');
const root = random.bytes(32);
const challenge = { params: small, basis: random.bytes(32), seed: random.bytes(32), place: random.bytes(32) };
const devices = { compute: createPackedCompute(), disk: createMemoryDisk({ sectors: 23 }), ...UNHURRIED };
const { signal } = new AbortController();

const commitsOf = (sectors: number, range: number): Uint8Array[] => [
  encodeCommit({ sectors, root }),
  encodeAnswer(root),
  encodeRange({ sectors: range, root }),
];
const requestOf = (commits: readonly Uint8Array[], bytes: Uint8Array): Request => {
  const { plot, range } = decodeCommits(small, commits)!;
  return decodeRequest(small, plot.sectors, range.sectors, bytes)!;
};

describe('what the Pass asks', () => {
  const pass = random.bytes(32);
  const ask = (sectors: number, change: object = {}, params = small) =>
    questionsFor({ ...challenge, params, ...change }, { sectors, root }, pass);

  test('is one leaf in each of k strata, so that no sector is asked twice', () => {
    for (const sectors of [16, 17, 31, 1000]) {
      const { sectors: asked, leaves } = ask(sectors);
      expect(asked.length).toBe(small.leaves);
      asked.forEach((sector, i) => {
        expect(sector).toBeGreaterThanOrEqual(Math.floor((i * sectors) / small.leaves));
        expect(sector).toBeLessThan(Math.floor(((i + 1) * sectors) / small.leaves));
      });
      expect(new Set(asked).size).toBe(small.leaves);
      expect(Math.max(...leaves)).toBeLessThan(8);
    }
  });

  test('reaches every sector and every leaf', () => {
    const sectors = new Set<number>();
    const leaves = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const asked = questionsFor(challenge, { sectors: 40, root }, random.bytes(32));
      for (const sector of asked.sectors) sectors.add(sector);
      for (const leaf of asked.leaves) leaves.add(leaf);
    }
    expect([sectors.size, leaves.size]).toEqual([40, 8]);
  });

  test('hangs on Pass, seed, basis and plot, and is the same for the largest plots', () => {
    const whole = ask(nvme.maxSectors, {}, nvme);
    expect(whole.sectors[nvme.leaves - 1]).toBeLessThan(nvme.maxSectors);
    const first = (of: ReturnType<typeof ask>): string[] => [
      `${of.sectors.slice(0, 4)}`,
      `${of.answerKey}`,
      `${of.order(8)}`,
    ];
    const all = [
      ask(1000),
      ask(1000, { seed: random.bytes(32) }),
      ask(1000, { basis: random.bytes(32) }),
      questionsFor(challenge, { sectors: 1000, root: random.bytes(32) }, pass),
      questionsFor(challenge, { sectors: 1000, root }, random.bytes(32)),
    ].flatMap(first);
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('the order in which sectors are read', () => {
  const key = random.bytes(32);

  test('names every sector once, whether few are asked or all', () => {
    for (const sectors of [1, 2, 23, 1000]) {
      const all = drawOrder(key, sectors, sectors);
      expect(all.toSorted()).toEqual(Uint32Array.from({ length: sectors }, (_, i) => i));
      for (const count of [1, sectors >> 1])
        expect(drawOrder(key, sectors, count)).toEqual(all.subarray(0, count));
    }
    const most = nvme.maxRange;
    const far = drawOrder(key, nvme.maxSectors, most);
    expect(new Set(far).size).toBe(most);
    expect(far.every((sector) => sector < nvme.maxSectors)).toBe(true);
  });

  test('has each of them as likely at each place as any other', () => {
    const sectors = 8;
    const draws = 4000;
    const seen = Array.from({ length: sectors * sectors }, () => 0);
    const follows = Array.from({ length: sectors * sectors }, () => 0);
    for (let i = 0; i < draws; i++) {
      const order = drawOrder(random.bytes(32), sectors, sectors);
      order.forEach((sector, place) => {
        seen[place * sectors + sector]!++;
      });
      follows[order[0]! * sectors + order[1]!]!++;
    }
    const surprise = (counts: readonly number[], expected: number): number =>
      counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // chi-square with 49 and 55 degrees of freedom: 85 and 93 are left behind once in a thousand
    expect(surprise(seen, draws / sectors)).toBeLessThan(85);
    expect(
      surprise(
        follows.filter((_, i) => i % 9 !== 0),
        draws / 56,
      ),
    ).toBeLessThan(93);
  });

  test('has of the sectors that somebody holds about their share among its first, however many orders are tried', () => {
    const sectors = 2 ** 20;
    const [count, share, tries] = [1024, 1 / 8, 400];
    const isHeld: readonly ((sector: number) => boolean)[] = [
      (sector) => sector < share * sectors,
      (sector) => sector % 8 === 0,
      (sector) => (sector >> 4) % 8 === 3,
    ];
    const held = isHeld.map(() => [] as number[]);
    for (let i = 0; i < tries; i++) {
      const order = drawOrder(random.bytes(32), sectors, count);
      isHeld.forEach((test, set) => {
        held[set]!.push(order.reduce((sum, sector) => sum + (test(sector) ? 1 : 0), 0));
      });
    }
    const deviation = Math.sqrt(count * share * (1 - share));
    for (const counts of held) {
      const mean = counts.reduce((sum, each) => sum + each, 0) / tries;
      expect(Math.abs(mean - count * share)).toBeLessThan((4 * deviation) / Math.sqrt(tries));
      // the best of 400 lies 3 deviations off; a stretch of the plot would be held whole in one of eight
      expect(Math.max(...counts)).toBeLessThan(count * share + 5 * deviation);
    }
  });
});

describe('what a validator asks to see', () => {
  test('has as many encodings as the class says, in every session', () => {
    const commits = commitsOf(40, 5);
    const { leaves, pieces, encodings } = requestOf(commits, issue(small, commits, random));
    expect([leaves.length, pieces.length, encodings.length]).toEqual([8, 4, 2]);
    expect(Math.max(...pieces.map(({ place }) => place))).toBeLessThan(5);
  });

  test('is not drawn for what is no commit', () => {
    expect(() => issue(small, commitsOf(40, 41), random)).toThrow(RangeError);
    expect(() => issue(small, commitsOf(15, 1), random)).toThrow(RangeError);
    expect(() => issue(small, commitsOf(2 ** 31, 1), random)).toThrow(RangeError);
    expect(() => issue(small, commitsOf(40, 0), random)).toThrow(RangeError);
  });

  test('is refused out of range, in counts and in numbers', () => {
    const fine = requestOf(commitsOf(40, 5), issue(small, commitsOf(40, 5), random));
    const reads = (change: Partial<Request>): boolean =>
      decodeRequest(small, 40, 5, encodeRequest({ ...fine, ...change })) !== undefined;
    expect(reads({})).toBe(true);
    expect(reads({ encodings: [] })).toBe(false);
    expect(reads({ leaves: fine.leaves.slice(1) })).toBe(false);
    expect(reads({ leaves: [16, ...fine.leaves.slice(1)] })).toBe(false);
    expect(reads({ leaves: [2 ** 31, ...fine.leaves.slice(1)] })).toBe(false);
    expect(reads({ pieces: [{ place: 5, piece: 0 }, ...fine.pieces.slice(1)] })).toBe(false);
    expect(reads({ pieces: [{ place: 0, piece: 4 }, ...fine.pieces.slice(1)] })).toBe(false);
    expect(reads({ encodings: [39, 39] })).toBe(true);
    expect(reads({ encodings: [39, 40] })).toBe(false);
    expect(reads({ encodings: [0, 0, 0] })).toBe(false);
  });
});

describe('credit', () => {
  test('names nothing for a plot alone, bytes with its answers, and a rate with its range', () => {
    const commits = commitsOf(1000, 100);
    const credit = (count: number) => storageProof.credit(small, commits.slice(0, count));
    expect(credit(1)).toEqual({});
    // 1 of 16 leaves could be made anew in the second there is
    expect(credit(2)).toEqual({ storageBytes: (1000 * 8192 * 15) / 16 });
    expect(credit(3)).toEqual({ storageBytes: 7_680_000, storageBytesPerS: (100 * 8192) / 2 });
  });

  test('leaves out what 1200 sectors a second make anew', () => {
    expect(missingShare(nvme)).toBeCloseTo(0.0732, 4);
    expect(creditedBytes(nvme, 2 ** 20) / 2 ** 40).toBeCloseTo(0.9268, 4);
    expect(missingShare({ ...nvme, regeneratedPerS: 1e6 })).toBe(1);
  });

  test('has no rate that a plot is too small for: 16 GiB in memory are no fast disk', () => {
    const commits = (range: number): Uint8Array[] => [
      encodeCommit({ sectors: nvme.minSectors, root }),
      encodeAnswer(root),
      encodeRange({ sectors: range, root }),
    ];
    expect(storageProof.credit(nvme, commits(512))?.storageBytesPerS).toBe(2 ** 27);
    expect(storageProof.credit(nvme, commits(513))).toBeUndefined();
    // one more than a multiple of 32 is rounded up: every plot has a range
    const one = { ...small, rangeOneIn: 32 };
    expect(storageProof.credit(one, commitsOf(33, 2))).toBeDefined();
    expect(storageProof.credit(one, commitsOf(33, 3))).toBeUndefined();
    expect(storageProof.credit(one, commitsOf(16, 1))).toBeDefined();
  });

  test('is 1 for the disk that the class expects', () => {
    const { nominal } = storageProof.facts(nvme);
    const range = Math.ceil((nvme.nominalBytesPerS * nvme.rangeMs) / 1000 / sectorBytes(nvme));
    const commits = [
      encodeCommit({ sectors: nvme.nominalSectors, root }),
      encodeAnswer(root),
      encodeRange({ sectors: range, root }),
    ];
    expect(storageProof.credit(nvme, commits)).toEqual(nominal);
  });
});

describe('the prover', () => {
  test('is unsupported without a disk, and with a plot that is too small for its class', async () => {
    const { disk: _, ...without } = devices;
    const isUnsupported = (error: unknown): boolean => isAssayError(error, 'unsupported');
    for (const [given, params] of [
      [without, small],
      [devices, { ...small, minSectors: 24 }],
      [devices, { ...small, minSectors: 16, maxSectors: 22 }],
    ] as const) {
      const error = await storageProof.prove(given, { ...challenge, params }, signal).catch((e) => e);
      expect(isUnsupported(error)).toBe(true);
    }
  });

  test('says who forgot to say whose plot it is', async () => {
    const { place: _, ...nobody } = challenge;
    await expect(storageProof.prove(devices, nobody, signal)).rejects.toThrow(RangeError);
    const evidence = { commits: [], request: new Uint8Array(), opening: new Uint8Array() };
    expect(() => verify(nobody, evidence)).toThrow(RangeError);
  });

  test('answers nothing before the Pass, and opens nothing before its range', async () => {
    const proving = await storageProof.prove(devices, challenge, signal);
    await expect(proving.next!({ pass: undefined, ...UNHURRIED }, signal)).rejects.toThrow(
      /asks nothing before/,
    );
    const request = issue(small, commitsOf(23, 5), random);
    await expect(proving.open(request)).rejects.toThrow(/after all commits/);
  });
});

describe('the verifier', () => {
  test('takes time with what it is asked to encode and to hash, not with the plot that is claimed', async () => {
    const time = async (sectors: number): Promise<number> => {
      const params = { ...small, maxSectors: 4096, encodings: 1 };
      const given = { ...challenge, params };
      const name = plotName(given);
      const eight = encodeSectors(name, 16);
      const data = new Uint8Array(sectors * sectorBytes(name));
      for (let at = 0; at < data.length; at += eight.length) data.set(eight, at);
      const proving = createProving(given, plotOver(name, data));
      const pass = random.bytes(32);
      const commits = [
        proving.commit,
        await proving.next!({ pass, ...UNHURRIED }, signal),
        await proving.next!({ pass, ...UNHURRIED }, signal),
      ];
      const request = issue(params, commits, random);
      const evidence = { commits, pass, request, opening: await proving.open(request) };
      let best = Number.POSITIVE_INFINITY;
      for (let again = 0; again < 7; again++) {
        const before = process.cpuUsage();
        verify(given, evidence);
        const { user, system } = process.cpuUsage(before);
        best = Math.min(best, user + system);
      }
      return best;
    };
    await time(32); // compiled
    const [few, many] = [await time(32), await time(1024)];
    expect(many / few).toBeLessThan(5); // 32 times the plot adds five siblings to a path
  });

  test('bounds what it takes from a peer', () => {
    expect(limits(nvme).commitBytes).toBeLessThan(8192);
    expect(limits(nvme).openingBytes).toBeLessThan(1_000_000);
    const seconds = storageProof.facts(nvme).openingMs / 1000;
    expect(seconds).toBeGreaterThanOrEqual(60 + (limits(nvme).openingBytes * 8) / 1e6 - 1);
  });
});

describe('parameters', () => {
  test('name the key that does not fit the others', () => {
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ leafBlocks: 16 }, /leafBlocks/],
      [{ pieceBlocks: 16 }, /pieceBlocks/],
      [{ leafBlocks: 4, pieceBlocks: 2 }, /pieceBlocks/],
      [{ minSectors: 15 }, /minSectors/],
      [{ maxSectors: 15 }, /maxSectors/],
      [{ encodings: 0 }, /encodings/],
      [{ ...nvme, encodings: 65 }, /encodings: expected at most 134217728 blocks/],
      [{ ...nvme, passes: 131_073 }, /encodings: expected at most 134217728 blocks/],
      [{ firstEncodings: 8 }, /firstEncodings/],
      [{ rangeOneIn: 0 }, /rangeOneIn/],
      [{ rangeMs: 500 }, /rangeMs/],
      [{ sectorBlocks: 12 }, /sectorBlocks/],
      [{ passes: 1 }, /passes/],
      [{ leaves: 2.5 }, /leaves/],
      [{ localnetOnly: 1 }, /localnetOnly/],
    ];
    for (const [change, key] of wrong)
      expect(() => storageProof.parseParams({ ...small, ...change })).toThrow(key);
    expect(storageProof.parseParams({ ...nvme, encodings: 64 })).toMatchObject({ encodings: 64 });
  });
});
