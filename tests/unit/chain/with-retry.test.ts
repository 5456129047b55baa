import { describe, expect, it } from 'vitest';
import type { ChainReader } from '../../../src/chain/chain.js';
import { unreachable } from '../../../src/chain/subtensor/errors.js';
import { withReadRetry } from '../../../src/chain/with-retry.js';
import { AssayError } from '../../../src/model/errors.js';
import { silentLog } from '../../../src/model/log.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';

const limits = { readRetryForMs: 10_000, readRetryMinMs: 100, readRetryMaxMs: 1_000 };

/** Fails `failures` times with `error`, then answers. */
function flaky(failures: number, error: () => Error) {
  const reader = {
    calls: 0,
    head: async () => {
      if (reader.calls++ < failures) throw error();
      return { number: 1, hash: new Uint8Array(32) };
    },
  };
  // only head() is asked here
  return { reader, chain: reader as unknown as ChainReader };
}

describe('withReadRetry', () => {
  it('rides out an outage', async () => {
    const clock = createVirtualClock();
    const { reader, chain } = flaky(5, () => unreachable('ws://x'));
    const reads = withReadRetry(chain, { clock, log: silentLog, limits });
    expect((await clock.runUntil(reads.head())).number).toBe(1);
    expect(reader.calls).toBe(6);
    expect(clock.monotonic()).toBe(100 + 200 + 400 + 800 + 1000);
  });

  it('gives up within its time, with the last error', async () => {
    const clock = createVirtualClock();
    const { chain } = flaky(Number.POSITIVE_INFINITY, () => unreachable('ws://x'));
    const reads = withReadRetry(chain, { clock, log: silentLog, limits });
    await expect(clock.runUntil(reads.head())).rejects.toMatchObject({ code: 'unreachable' });
    expect(clock.monotonic()).toBeLessThanOrEqual(10_000);
  });

  it('passes every other error at once', async () => {
    const clock = createVirtualClock();
    const { reader, chain } = flaky(1, () => new AssayError('chain-unknown', 'no', { what: 'block 9' }));
    const reads = withReadRetry(chain, { clock, log: silentLog, limits });
    await expect(reads.head()).rejects.toMatchObject({ code: 'chain-unknown' });
    expect(reader.calls).toBe(1);
  });

  it('stops when it is aborted', async () => {
    const clock = createVirtualClock();
    const { reader, chain } = flaky(Number.POSITIVE_INFINITY, () => unreachable('ws://x'));
    const stop = new AbortController();
    const reads = withReadRetry(chain, { clock, log: silentLog, limits }, stop.signal);
    const head = reads.head();
    stop.abort();
    await expect(clock.runUntil(head)).rejects.toMatchObject({ code: 'unreachable' });
    expect(reader.calls).toBe(1);
  });
});
