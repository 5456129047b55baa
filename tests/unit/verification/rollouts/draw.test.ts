import { beforeAll, describe, expect, it } from 'vitest';
import type { BeaconKind } from '../../../../src/inference/spec/window.js';
import { devKeypair, readyKeys } from '../../../../src/keys/keypair.js';
import { vrfOutput } from '../../../../src/keys/vrf.js';
import { fromHex, toHex, utf8 } from '../../../../src/model/bytes.js';
import { sha256 } from '../../../../src/model/hash.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import {
  type AuditSubject,
  drawPicks,
  drawPositions,
  drawRulesFor,
  privateMessage,
  privateSeed,
  publicSeed,
} from '../../../../src/verification/rollouts/draw.js';
import golden from '../../../vectors/rollouts-audit.json' with { type: 'json' };

const beacon = { kind: 'dev-chain', round: 7n, signature: new Uint8Array(32).fill(5) } as const;
const subject: AuditSubject = { beacon, netuid: 2, window: 9, hotkey: new Uint8Array(32).fill(1) };
const seeds = (name: string) => ({
  public: sha256(utf8(`${name} public`)),
  private: sha256(utf8(`${name} private`)),
});
const SIX = { rollouts: 6, deep: 6, positions: 32 };

describe('the seeds of an audit', () => {
  beforeAll(readyKeys);

  it('are those of the golden vectors', () => {
    for (const one of golden.seeds) {
      const of: AuditSubject = {
        beacon: {
          kind: one.beacon.kind as BeaconKind,
          round: BigInt(one.beacon.round),
          signature: fromHex(one.beacon.signature),
        },
        netuid: one.netuid,
        window: one.window,
        hotkey: fromHex(one.hotkey),
      };
      expect(toHex(publicSeed(of))).toBe(one.publicSeed);
      expect(toHex(privateMessage(of))).toBe(one.privateMessage);
      expect(toHex(privateSeed(fromHex(one.vrfOutput)))).toBe(one.privateSeed);
    }
    expect(golden.seeds).toHaveLength(3);
  });

  it('change with each name they hang on', () => {
    const others: AuditSubject[] = [
      { ...subject, netuid: 3 },
      { ...subject, window: 10 },
      { ...subject, hotkey: new Uint8Array(32).fill(2) },
      { ...subject, beacon: { ...beacon, round: 8n } },
      { ...subject, beacon: { ...beacon, signature: new Uint8Array(32).fill(6) } },
      { ...subject, beacon: { ...beacon, kind: 'drand-pallet', signature: new Uint8Array(48).fill(5) } },
      { ...subject, beacon: { ...beacon, kind: 'drand-quicknet', signature: new Uint8Array(48).fill(5) } },
    ];
    for (const make of [publicSeed, privateMessage])
      expect(new Set([subject, ...others].map((one) => toHex(make(one)))).size).toBe(8);
  });

  it('differ in their private half between validators, whose key alone makes it', () => {
    const message = privateMessage(subject);
    const of = (name: string) => privateSeed(vrfOutput(devKeypair(name).vrf(message)));
    const weights = new Array<number>(500).fill(1000);
    const picksOf = (name: string) =>
      drawPicks({ public: publicSeed(subject), private: of(name) }, weights, SIX);
    const [one, two] = [picksOf('one'), picksOf('two')];
    const half = (picks: typeof one, which: string) => picks.filter(({ half }) => half === which);
    expect(half(one, 'public')).toEqual(half(two, 'public'));
    expect(half(one, 'private')).not.toEqual(half(two, 'private'));
    // what anyone can hash from public names is not it
    const key = devKeypair('one').publicKey;
    const guesses = [message, sha256(message, key), sha256(key, message), publicSeed(subject), key];
    for (const guess of guesses) expect(toHex(privateSeed(guess.slice(0, 32)))).not.toBe(toHex(of('one')));
    expect(of('one')).toEqual(of('one')); // and it stays the same, so a validator cannot ask again
  });

  it('are refused without a beacon or a hotkey', () => {
    for (const [kind, length] of [
      ['dev-chain', 0],
      ['dev-chain', 31],
      ['dev-chain', 48],
      ['drand-quicknet', 32],
    ] as const) {
      const wrong = { kind, round: 7n, signature: new Uint8Array(length) };
      expect(() => publicSeed({ ...subject, beacon: wrong })).toThrow('beacon signature');
    }
    expect(() => publicSeed({ ...subject, beacon: { ...beacon, round: 2n ** 64n } })).toThrow('beacon round');
    expect(() => privateMessage({ ...subject, hotkey: new Uint8Array(31) })).toThrow(RangeError);
  });
});

describe('drawn rollouts', () => {
  it('are those of the golden vectors', () => {
    for (const { weights, rollouts, deep, picks, ...hex } of golden.draws) {
      const of = { public: fromHex(hex.public), private: fromHex(hex.private) };
      expect(drawPicks(of, weights, { rollouts, deep, positions: 32 })).toEqual(picks);
    }
    expect(golden.draws.flatMap(({ picks }) => picks)).toHaveLength(48);
  });

  it('are half public, half private, whole when the hidden state is narrow', () => {
    const picks = drawPicks(seeds('x'), new Array<number>(100).fill(1), drawRulesFor(576));
    expect(picks.map(({ half }) => half)).toEqual([
      'public',
      'public',
      'public',
      'private',
      'private',
      'private',
    ]);
    expect(picks.every(({ deep }) => deep)).toBe(true);
    const wide = drawPicks(seeds('x'), new Array<number>(100).fill(1), drawRulesFor(2048));
    expect(wide.filter(({ deep }) => deep).map(({ half, ordinal }) => [half, ordinal])).toEqual([
      ['public', 0],
      ['private', 0],
    ]);
    expect(wide).toHaveLength(8);
  });

  it('are each once, never one of no weight, and all of those that have some when they are few', () => {
    const weights = [0, 5, 0, 1, 900, 0];
    for (let i = 0; i < 50; i++)
      expect(
        drawPicks(seeds(`few ${i}`), weights, SIX)
          .map(({ place }) => place)
          .sort(),
      ).toEqual([1, 3, 4]);
    expect(drawPicks(seeds('none'), [0, 0], SIX)).toEqual([]);
    expect(drawPicks(seeds('none'), [], SIX)).toEqual([]);
  });

  it('come as often as they are paid', () => {
    const weights = [1, 2, 3, 4];
    const one = { rollouts: 1, deep: 1, positions: 1 };
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) counts[drawPicks(seeds(`often ${i}`), weights, one)[0]!.place]!++;
    // five sigma of 400, 800, 1200, 1600
    for (const [i, count] of counts.entries())
      expect(Math.abs(count - 400 * (i + 1))).toBeLessThan(5 * Math.sqrt(4000 * 0.1 * (i + 1)));
  });

  it('are predicted no better than by chance from all that is known when the window ends', () => {
    // the best guess of a miner that knows everything but the audit's beacon and the validator's key: any fixed rollouts, those
    // that its own model of the hash favours (other rounds' draws) among them
    const weights = new Array<number>(60).fill(1000);
    const random = createSeededRandom('predicted');
    let hits = 0;
    const windows = 600;
    for (let window = 0; window < windows; window++) {
      const past = { ...subject, window: window + 1, beacon: { ...beacon, round: 99n } };
      const real = { ...past, beacon: { ...beacon, round: 100n, signature: random.bytes(32) } };
      const pick = (of: AuditSubject, vrf: Uint8Array) =>
        drawPicks({ public: publicSeed(of), private: privateSeed(vrf) }, weights, SIX).map(
          ({ place }) => place,
        );
      const guess = new Set(pick(past, new Uint8Array(32)));
      hits += pick(real, random.bytes(32)).filter((place) => guess.has(place)).length;
    }
    // hypergeometric: mean 6 * 6 / 60 a window, variance .6 * .9 * 54 / 59 at most .5
    expect(Math.abs(hits - 0.6 * windows)).toBeLessThan(5 * Math.sqrt(0.5 * windows));
  });

  it('are refused for weights that do not add up exactly', () => {
    for (const weights of [[-1], [0.5], [Number.NaN], [2 ** 53 - 1, 1]])
      expect(() => drawPicks(seeds('bad'), weights, SIX)).toThrow(RangeError);
    expect(() => drawPicks(seeds('bad'), [1], { ...SIX, rollouts: 65 })).toThrow(RangeError);
  });
});

describe('drawn positions', () => {
  const seed = sha256(utf8('positions'));

  it('are those of the golden vectors, ascending and with the last', () => {
    for (const { ordinal, length, count, answer, positions, ...hex } of golden.positions) {
      const span = answer === null ? undefined : ([answer[0]!, answer[1]!] as const);
      expect(drawPositions(fromHex(hex.seed), ordinal, length, count, span)).toEqual(positions);
    }
    expect(golden.positions).toHaveLength(8);
  });

  it('are all of a short rollout', () => {
    expect(drawPositions(seed, 0, 6, 5)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(drawPositions(seed, 0, 1, 32)).toEqual([0]);
    expect(drawPositions(seed, 0, 0, 32)).toEqual([]);
  });

  it('are as many as asked, each position as often as another', () => {
    const counts = new Array<number>(20).fill(0);
    for (let i = 0; i < 2000; i++) {
      const at = drawPositions(sha256(utf8(`p${i}`)), i % 3, 20, 4);
      expect(at).toHaveLength(5);
      for (const p of at) counts[p]!++;
    }
    expect(counts[19]).toBe(2000);
    const mean = (2000 * 4) / 19;
    for (const count of counts.slice(0, 19)) expect(Math.abs(count - mean)).toBeLessThan(5 * Math.sqrt(mean));
  });

  it('stay inside the rollout around an answer at its end', () => {
    expect(drawPositions(seed, 2, 60, 1, [58, 60]).filter((p) => p >= 50)).toEqual([
      50, 51, 52, 53, 54, 55, 56, 57, 58, 59,
    ]);
  });
});
