import { describe, expect, test } from 'vitest';
import type { Subnet } from '../../../src/chain/chain.js';
import { AssayError } from '../../../src/model/errors.js';
import { toUid } from '../../../src/model/ids.js';
import { SPARE_EPOCHS, watchEpochs } from '../../../src/testing/epochs.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';

const TEMPO = 10;
/** The subnet is registered here; permits come with the epoch at block 20. */
const START = 12;
const PERMITS = 20;

interface Story {
  /** blocks in which the judges set weights */
  readonly a?: readonly number[];
  readonly b?: readonly number[];
  readonly paidEpochs?: number;
  /** blocks whose head nobody sees */
  readonly unseen?: (block: number) => boolean;
  readonly failAt?: number;
  readonly until?: number;
}

/** Epochs of ten blocks; the owner's uid 0 gets 5 rao in each. */
async function watch({ a = [], b = [], paidEpochs = 2, unseen = () => false, failAt, until = 500 }: Story) {
  const at = (block: number): Subnet => {
    const epochIndex = Math.floor(block / TEMPO);
    const judge = (uid: number, sets: readonly number[]) =>
      neuron(uid, {
        registeredAt: START,
        lastUpdate: Math.max(START, ...sets.filter((set) => set <= block)),
        validatorPermit: block >= PERMITS,
      });
    return subnet([neuron(0, { emissionRao: 5n }), judge(1, a), judge(2, b)], {
      block,
      epochIndex,
      lastEpochBlock: epochIndex * TEMPO,
    });
  };
  const said: string[] = [];
  const counted: number[] = [];
  let head = START;
  const epochs = await watchEpochs(
    {
      say: (line) => said.push(line),
      chain: {
        async subnet() {
          if (head === failAt) throw new AssayError('unreachable', 'no chain', { address: 'x' });
          return at(head);
        },
        async watchHeads(onHead, signal) {
          for (; head < until && !signal.aborted; head++) {
            if (unseen(head)) continue;
            onHead({ number: head, hash: new Uint8Array(32) });
            for (let turn = 0; turn < 10; turn++) await Promise.resolve(); // let it be read
          }
        },
      },
    },
    {
      netuid: NETUID,
      paidEpochs,
      judges: [
        { name: 'a', uid: toUid(1) },
        { name: 'b', uid: toUid(2) },
      ],
      onSubnet: ({ block }, _paid, counting) => void (counting && counted.push(block)),
    },
    new AbortController().signal,
  );
  return { ...epochs, said, counted, head };
}

const EVERY = [28, 38, 48, 58, 68, 78, 88, 98];

describe('paid epochs', () => {
  test('are those that ran on weights of every judge, from the epoch that granted permits on', async () => {
    const { paid, lastEpoch, setTwice, burnedRao, head, counted } = await watch({ a: EVERY, b: EVERY });
    expect({ paid, lastEpoch, setTwice, head }).toEqual({ paid: 2, lastEpoch: 3, setTwice: [], head: 41 });
    expect(burnedRao).toBe(15n); // of the epochs at blocks 20, 30 and 40
    expect(counted[0]).toBe(PERMITS);
  });

  test('do not count an epoch without the weights of one judge', async () => {
    const { paid, lastEpoch, said } = await watch({ a: EVERY, b: [38, 48] });
    expect({ paid, lastEpoch }).toEqual({ paid: 2, lastEpoch: 4 });
    expect(said).toContain('block 30: epoch 3 ran without weights of every validator');
  });

  test('do count weights of the last block before the epoch, even when its head was not seen', async () => {
    const sets = [29, 39];
    expect(await watch({ a: sets, b: sets, unseen: (block) => block % 10 === 9 })).toMatchObject({
      paid: 2,
      lastEpoch: 3,
    });
  });

  test('do not take weights of the new epoch for those of the one before', async () => {
    const { paid, said } = await watch({ a: [28, 40], b: [28, 38], paidEpochs: 2, until: 42 });
    expect(paid).toBe(1);
    expect(said).toContain('block 40: epoch 4 ran without weights of every validator');
  });

  test('end the watch after five more when judges stay silent', async () => {
    const { paid, head } = await watch({ a: EVERY, paidEpochs: 2 });
    expect(paid).toBe(0);
    expect(SPARE_EPOCHS).toBe(5);
    expect(head).toBe(81);
  });
});

describe('weights that changed twice', () => {
  test('in one epoch are named, once, and those of two epochs are not', async () => {
    const { setTwice } = await watch({ a: [26, 28, 38], b: [28, 36, 37, 38] });
    expect(setTwice).toEqual(['a in epoch 2', 'b in epoch 3']);
  });
});

describe('a chain that cannot be read', () => {
  test('ends the watch with its error', async () => {
    await expect(watch({ a: EVERY, b: EVERY, failAt: 25 })).rejects.toMatchObject({ code: 'unreachable' });
  });
});
