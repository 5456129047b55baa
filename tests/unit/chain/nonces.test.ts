import { describe, expect, it } from 'vitest';
import { rejected, unreachable } from '../../../src/chain/subtensor/errors.js';
import { createNonces } from '../../../src/chain/subtensor/nonces.js';

/** A pool that, like a node's, tells the next index without ours until it has seen them. */
function createPool() {
  let next = 0;
  let asked = 0;
  return {
    taken: [] as number[],
    get asked() {
      return asked;
    },
    /** somebody else used the account */
    skip: (count: number) => {
      next += count;
    },
    fetchNext: async () => {
      asked++;
      return next;
    },
    async send(this: { taken: number[] }, nonce: number) {
      await Promise.resolve();
      if (nonce < next) throw rejected('x', 'Stale');
      this.taken.push(nonce);
      next = nonce + 1;
      return nonce;
    },
  };
}

describe('createNonces', () => {
  it('gives parallel sends of one account one nonce after another, and asks once', async () => {
    const pool = createPool();
    const nonces = createNonces(pool.fetchNext);
    const sent = Array.from({ length: 10 }, () => nonces.use('a', (nonce) => pool.send(nonce)));
    expect(await Promise.all(sent)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(pool.asked).toBe(1);
  });

  it('keeps accounts apart', async () => {
    const nonces = createNonces(async (address) => (address === 'a' ? 5 : 9));
    expect(await Promise.all(['a', 'b'].map((at) => nonces.use(at, async (nonce) => nonce)))).toEqual([5, 9]);
  });

  it('does not spend a nonce on what the pool refused', async () => {
    const nonces = createNonces(async () => 3);
    const used: number[] = [];
    const send = (fails: boolean) =>
      nonces.use('a', async (nonce) => {
        used.push(nonce);
        if (fails) throw rejected('x', 'BadProof');
      });
    const results = await Promise.allSettled([send(false), send(true), send(false)]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    // the third asks again, for the chain knows whether the second left anything
    expect(used).toEqual([3, 4, 3]);
  });

  it('asks again and sends once more when the account was used elsewhere', async () => {
    const pool = createPool();
    const nonces = createNonces(pool.fetchNext);
    await nonces.use('a', (nonce) => pool.send(nonce));
    pool.skip(4);
    expect(await nonces.use('a', (nonce) => pool.send(nonce))).toBe(5);
    expect(pool.taken).toEqual([0, 5]);
  });

  it('gives up when the chain names the same nonce again', async () => {
    const nonces = createNonces(async () => 1);
    await expect(
      nonces.use('a', async () => {
        throw rejected('x', 'TooLowPriority');
      }),
    ).rejects.toMatchObject({ data: { error: 'TooLowPriority' } });
  });

  it('asks the chain after an outage, a lost extrinsic, and when nothing is pending', async () => {
    const pool = createPool();
    const nonces = createNonces(pool.fetchNext);
    await nonces.use('a', (nonce) => pool.send(nonce)); // asked 1
    await expect(
      nonces.use('a', async () => {
        throw unreachable('ws://x');
      }),
    ).rejects.toMatchObject({ code: 'unreachable' });
    await nonces.use('a', (nonce) => pool.send(nonce)); // asked 2: unknown
    nonces.settled('a', false);
    await nonces.use('a', (nonce) => pool.send(nonce)); // asked 3: one was lost
    nonces.settled('a', true);
    nonces.settled('a', true);
    await nonces.use('a', (nonce) => pool.send(nonce)); // asked 4: all landed
    expect([pool.asked, pool.taken]).toEqual([4, [0, 1, 2, 3]]);
  });
});
