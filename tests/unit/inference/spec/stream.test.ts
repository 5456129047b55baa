import { describe, expect, test } from 'vitest';
import { firstWord, philox } from '../../../../src/inference/spec/philox.js';
import {
  gumbelOf,
  promptSeed,
  streamKey,
  streamRoot,
  uniformOf,
} from '../../../../src/inference/spec/stream.js';
import { taggedHash } from '../../../../src/inference/spec/tagged.js';
import type { WindowContext } from '../../../../src/inference/spec/window.js';
import { toHex, utf8 } from '../../../../src/model/bytes.js';
import { createSeededRandom } from '../../../../src/model/prng.js';

const MAX = 0xffff_ffff;
const context: WindowContext = {
  beacon: { kind: 'drand-quicknet', round: 1000n, signature: new Uint8Array(48).fill(7) },
  genesis: new Uint8Array(32).fill(5),
  netuid: 12,
  window: 34,
  checkpointDigest: new Uint8Array(32).fill(1),
  policyDigest: new Uint8Array(32).fill(2),
};
const hotkey = new Uint8Array(32).fill(3);
const root = streamRoot(context, hotkey);

describe('Philox4x32-10', () => {
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
    ],
    [
      [MAX, MAX, MAX, MAX],
      [MAX, MAX],
      [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
    ],
    [
      [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
      [0xa409_3822, 0x299f_31d0],
      [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
    ],
  ] as const)('gives the known answer of its authors for %j, %j', (counter, key, words) => {
    expect(philox([...counter], [...key])).toEqual(words);
  });

  test('gives the first word alone as in the whole block', () => {
    expect(firstWord(151_645, 0, 1, 0)).toBe(0xf885_ad21);
    expect(firstWord(42, 7, 0x0123_4567, 0x89ab_cdef)).toBe(0xa8e3_f532);
    const random = createSeededRandom('first words');
    for (let i = 0; i < 20_000; i++) {
      const [c0, c1, k0, k1] = [0, 0, 0, 0].map(() => random.below(2 ** 32)) as [
        number,
        number,
        number,
        number,
      ];
      if (firstWord(c0, c1, k0, k1) !== philox([c0, c1, 0, 0], [k0, k1])[0])
        expect.fail(`another word for ${c0}, ${c1}, ${k0}, ${k1}`);
    }
  });
});

describe('draws', () => {
  test('are within what 32 bits reach, ends included', () => {
    expect([0, 1, 0x7fff_ffff, MAX].map(gumbelOf)).toEqual([
      -3.129994640884816, -3.0807737589468562, 0.36651292024576076, 22.87385695841999,
    ]);
    expect([uniformOf(0), uniformOf(MAX)]).toEqual([2 ** -33, 1 - 2 ** -33]);
  });
});

describe('the root of a stream', () => {
  test('is the same bytes for ever', () => {
    expect(toHex(root)).toBe('6a0363e8aa32ace835549daafb3c2da886c50ffb75bd426aef210950c6ce3af4');
    expect(streamKey(root, 5, 6)).toEqual({ k0: 1684146580, k1: 142544340 });
    expect(toHex(promptSeed(root, 5))).toBe(
      'dffe183e19410df4879e7bc6abe3bea11ddfc753b85485de5bace8dc6dbba800',
    );
  });

  const others: [string, Partial<WindowContext>][] = [
    ['kind of beacon', { beacon: { ...context.beacon, kind: 'drand-pallet' } }],
    ['round', { beacon: { ...context.beacon, round: 1001n } }],
    ['signature', { beacon: { ...context.beacon, signature: new Uint8Array(48).fill(8) } }],
    ['chain', { genesis: new Uint8Array(32).fill(6) }],
    ['netuid', { netuid: 13 }],
    ['window', { window: 35 }],
    ['checkpoint', { checkpointDigest: new Uint8Array(32).fill(9) }],
    ['policy', { policyDigest: new Uint8Array(32).fill(9) }],
  ];
  test.each(others)('is another with another %s', (_, change) => {
    expect(toHex(streamRoot({ ...context, ...change }, hotkey))).not.toBe(toHex(root));
  });

  test('is another for another hotkey', () => {
    expect(toHex(streamRoot(context, new Uint8Array(32).fill(4)))).not.toBe(toHex(root));
  });

  const wrong: [string, Partial<WindowContext>][] = [
    ['empty signature', { beacon: { ...context.beacon, signature: new Uint8Array(0) } }],
    ['short signature', { beacon: { ...context.beacon, signature: new Uint8Array(47) } }],
    ["drand's signature of a dev chain", { beacon: { ...context.beacon, kind: 'dev-chain' } }],
    ['negative round', { beacon: { ...context.beacon, round: -1n } }],
    ['round of 65 bits', { beacon: { ...context.beacon, round: 2n ** 64n } }],
    ['netuid above 65535', { netuid: 65_536 }],
    ['window above 32 bits', { window: 2 ** 32 }],
    ['half a window', { window: 1.5 }],
    ['short genesis', { genesis: new Uint8Array(31) }],
    ['short checkpoint digest', { checkpointDigest: new Uint8Array(31) }],
    ['long policy digest', { policyDigest: new Uint8Array(33) }],
  ];
  test.each(wrong)('is refused for: %s', (_, change) => {
    expect(() => streamRoot({ ...context, ...change }, hotkey)).toThrow(RangeError);
  });

  test('is refused for a hotkey that is none', () => {
    expect(() => streamRoot(context, hotkey.subarray(1))).toThrow('hotkey: expected 32 bytes, got 31');
  });
});

describe('keys and prompts', () => {
  test('differ by group and rollout, and never meet', () => {
    const seen = new Set<string>();
    for (let group = 0; group < 40; group++) {
      for (let rollout = 0; rollout < 40; rollout++) {
        const { k0, k1 } = streamKey(root, group, rollout);
        seen.add(`${k0} ${k1}`);
      }
      seen.add(toHex(promptSeed(root, group)));
    }
    expect(seen.size).toBe(40 * 40 + 40);
  });

  test.each([-1, 0.5, 2 ** 32, Number.NaN])('are refused for group or rollout %f', (value) => {
    expect(() => streamKey(root, value, 0)).toThrow(RangeError);
    expect(() => streamKey(root, 0, value)).toThrow(RangeError);
    expect(() => promptSeed(root, value)).toThrow(RangeError);
  });

  test('are refused for a root that is none', () => {
    expect(() => streamKey(new Uint8Array(31), 0, 0)).toThrow('root: expected 32 bytes, got 31');
  });
});

describe('tagged hashes', () => {
  test('tell parts by their lengths', () => {
    expect(toHex(taggedHash('x', utf8('ab'), utf8('c')))).not.toBe(
      toHex(taggedHash('x', utf8('a'), utf8('bc'))),
    );
    expect(toHex(taggedHash('x', utf8('ab')))).not.toBe(toHex(taggedHash('x', utf8('ab'), utf8(''))));
  });
});
