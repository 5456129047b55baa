import { describe, expect, test } from 'vitest';
import type { Subnet } from '../../../src/chain/chain.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { followParameters, type SlotsUnder } from '../../../src/miner/follow.js';
import type { Slot } from '../../../src/miner/slot.js';
import { toHex } from '../../../src/model/bytes.js';
import { AssayError } from '../../../src/model/errors.js';
import { sha256 } from '../../../src/model/hash.js';
import { toHotkey } from '../../../src/model/ids.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import {
  encodeParameterFile,
  NO_POLICY,
  parseParameterFile,
} from '../../../src/verification/parameter-file.js';
import { NO_DIGEST, type Publication } from '../../../src/verification/publication.js';
import { recordingLog } from '../../support/logs.js';
import { NETUID, subnet } from '../../support/subnets.js';
import { TOY_PARAMS, TOY_PARAMS_ID, type ToyParams, toyKind } from '../../support/toy-kind.js';

const kinds = {
  toy: toyKind({
    table: new Map([[toHex(TOY_PARAMS_ID), TOY_PARAMS]]),
    parseParams: (value) => value as ToyParams,
  }),
};
const FILE = encodeParameterFile(
  parseParameterFile(
    { version: 1, policy: NO_POLICY, sets: [{ ...TOY_PARAMS, windowMs: 900, kind: 'toy', class: 'toy' }] },
    kinds,
  ),
);
const DIGEST = sha256(FILE);
const HEX = toHex(DIGEST);
const publication: Publication = {
  parameters: DIGEST,
  previous: NO_DIGEST,
  policy: new Uint8Array(32),
  firstEpoch: 6,
  versionKey: 1n,
};

/** A chain whose epochs have 48 blocks, number 5 from block 100 on; two slots, of which the file has a set for the first alone. */
async function scene({ isHere = true }: { readonly isHere?: boolean } = {}) {
  await readyKeys();
  const clock = createVirtualClock();
  const { log, lines } = recordingLog();
  const chain = { published: publication as Publication | undefined, down: false, reads: 0 };
  const shelf = new Map<string, Uint8Array>(isHere ? [[HEX, FILE]] : []);
  let asked = 0;
  const at = (head: number): Subnet => {
    const epoch = Math.floor((head - 100) / 48);
    return subnet([], {
      block: head,
      epochIndex: 5 + epoch,
      lastEpochBlock: 100 + 48 * epoch,
      nextEpochBlock: 148 + 48 * epoch,
    });
  };
  let head = 100;
  const slot = (index: number, windowMs: number): Slot => ({
    claim: { index, worker: 'host-1', kind: 'toy', paramsId: new Uint8Array(32).fill(windowMs / 100) },
    start: () => Promise.reject(new Error('not started here')),
  });
  const following = followParameters(
    {
      wire: createLoopback({ clock }),
      keypair: devKeypair('miner'),
      clock,
      log,
      random: createSeededRandom('follow'),
      reader: {
        async subnet() {
          chain.reads++;
          if (chain.down) throw new AssayError('unreachable', 'no chain', { address: 'x' });
          return at(head);
        },
      },
      followed: {
        kinds,
        parameters: {
          source: { publication: async () => chain.published },
          shelf: {
            async read(digest) {
              asked++;
              return shelf.get(digest);
            },
            async write(digest, bytes) {
              shelf.set(digest, bytes);
            },
          },
        },
        under(sets): SlotsUnder {
          const [{ windowMs }] = sets.map(({ params }) => params as ToyParams) as [ToyParams];
          return windowMs === 1000
            ? { slots: [slot(0, 1000), slot(1, 1000)], resting: [] }
            : { slots: [slot(0, windowMs)], resting: [{ slot: 'toy:two', why: 'no such class' }] };
        },
      },
    },
    { netuid: NETUID, self: toHotkey('self') },
    new AbortController().signal,
  );
  /** what is claimed at a block: index and window of each */
  const claimed = async (block: number) => {
    head = block;
    await following.onHead({ number: block, hash: new Uint8Array(32) });
    return following.claimed().map(({ claim }) => [claim.index, claim.paramsId[0]! * 100]);
  };
  const answered = () => following.answered().map(({ claim }) => [claim.index, claim.paramsId[0]! * 100]);
  return { claimed, answered, following, chain, lines, shelf, shelfReads: () => asked };
}

describe('a miner that follows its subnet’s parameters', () => {
  test('claims the old ones until the last four blocks of the epoch in which both count, and answers for both', async () => {
    const { claimed, answered } = await scene();
    const old = [[0, 1000], [1, 1000]]; // biome-ignore format: a table
    expect(await claimed(100)).toEqual(old);
    expect(await claimed(147)).toEqual(old);
    expect(answered()).toEqual(old);
    expect(await claimed(148)).toEqual(old); // the first block of epoch 6
    expect(answered()).toEqual([...old, [0, 900]]);
    expect(await claimed(191)).toEqual(old);
    // what the new file has no set for is claimed by the old one, as long as that counts
    expect(await claimed(192)).toEqual([[0, 900], [1, 1000]]); // biome-ignore format: a table
    expect(await claimed(196)).toEqual([[0, 900]]);
    // a validator may have asked a moment before
    expect(answered()).toEqual([[0, 900], ...old].sort((a, b) => b[1]! - a[1]! || a[0]! - b[0]!));
    expect(await claimed(244)).toEqual([[0, 900]]);
    expect(answered()).toEqual([[0, 900]]);
  });

  test('says once what it claims, and what rests and why', async () => {
    const { claimed, lines } = await scene();
    for (let block = 100; block < 250; block++) await claimed(block);
    const said = lines
      .filter(({ msg }) => msg.includes('slot'))
      .map(({ msg, epoch, slots, slot }) => [msg, epoch ?? slot, slots]);
    expect(said).toEqual([
      ['slots are claimed', 6, 2],
      ['slots are claimed', 6, 2],
      ['a slot rests: the parameters that count have no set for it', 'toy:two', undefined],
      ['slots are claimed', 7, 1],
      ['a slot rests: the parameters that count have no set for it', 'toy:two', undefined],
    ]);
  });

  test('claims nothing once only what it has not got counts, says why, and goes on when it comes', async () => {
    const { claimed, lines, shelf, following } = await scene({ isHere: false });
    await claimed(150);
    expect(await claimed(194)).toHaveLength(2);
    expect(await claimed(196)).toEqual([]);
    expect(following.content(DIGEST)).toBeUndefined();
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        msg: 'no slot is claimed: parameters that count are not here',
        epoch: 7,
        reason: `parameters ${HEX.slice(0, 16)}, published from epoch 6 on, are not here, and there is no peer to ask`,
      }),
    );
    shelf.set(HEX, FILE);
    expect(await claimed(221)).toEqual([[0, 900]]);
    expect(following.content(DIGEST)).toEqual(FILE);
  });

  test('looks every 25 blocks and at each epoch; a chain that is away changes nothing', async () => {
    const { claimed, chain, lines } = await scene();
    for (let block = 100; block < 196; block++) await claimed(block);
    expect(chain.reads).toBe(4); // 100, 125, 148, 173
    chain.down = true;
    expect(await claimed(198)).toHaveLength(2);
    expect(lines.map(({ msg }) => msg)).toContain('parameters not looked at, the last known ones hold');
    const unborn = await scene();
    unborn.chain.down = true;
    await expect(unborn.claimed(100)).rejects.toThrow('no chain');
  });
});
