import { describe, expect, it } from 'vitest';
import type { ChainReader } from '../../../src/chain/chain.js';
import { unreachable } from '../../../src/chain/subtensor/errors.js';
import { retryRead, withReadRetry } from '../../../src/chain/with-retry.js';
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

  it('gives up at once when the chain is closed meanwhile', async () => {
    const clock = createVirtualClock();
    const closed = new AbortController();
    const { reader } = flaky(Number.POSITIVE_INFINITY, () => unreachable('ws://x'));
    const parts = { clock, log: silentLog, limits, closed: closed.signal };
    const read = retryRead(parts, 'head', () => reader.head());
    void clock.sleep(250).then(() => closed.abort());
    await expect(clock.runUntil(read)).rejects.toMatchObject({ code: 'unreachable' });
    expect(clock.monotonic()).toBe(250);
  });

  it.each(['answer to chain_getHeader', 'message from ws://x'])(
    'asks another node where there is one after nonsense: %s',
    async (what) => {
      const clock = createVirtualClock();
      const error = () =>
        new AssayError('invalid-input', 'malformed', { what, expected: 'a header', got: 'another' });
      const { reader } = flaky(1, error);
      const left: unknown[] = [];
      const nodes = { isCatchingUp: () => false, leave: (why: unknown) => left.push(why) > 0 };
      const read = retryRead({ clock, log: silentLog, limits, nodes }, 'head', () => reader.head());
      expect((await clock.runUntil(read)).number).toBe(1);
      expect(left).toHaveLength(1);
    },
  );

  it('waits for a block that a node new to us does not have yet, and for nothing else that is not there', async () => {
    const clock = createVirtualClock();
    const behind = { isCatchingUp: () => clock.monotonic() < 500, leave: () => false };
    const parts = { clock, log: silentLog, limits, nodes: behind };
    const missing = (what: string) => () => new AssayError('chain-unknown', 'no', { what });
    const { reader, chain } = flaky(2, missing('block 0x12'));
    await clock.runUntil(withReadRetry(chain, parts).head());
    expect(reader.calls).toBe(3);

    const never = flaky(Number.POSITIVE_INFINITY, missing('block 0x12'));
    await expect(clock.runUntil(withReadRetry(never.chain, parts).head())).rejects.toMatchObject({
      code: 'chain-unknown',
    });
    expect(clock.monotonic()).toBe(100 + 200 + 100 + 200);

    const subnet = flaky(Number.POSITIVE_INFINITY, missing('subnet 7'));
    await expect(withReadRetry(subnet.chain, parts).head()).rejects.toMatchObject({ code: 'chain-unknown' });
    expect(subnet.reader.calls).toBe(1);
  });

  it('asks another node instead of one that answers nonsense, as long as there is one', async () => {
    const clock = createVirtualClock();
    let others = 1;
    const nodes = { isCatchingUp: () => false, leave: () => others-- > 0 };
    const parts = { clock, log: silentLog, limits, nodes };
    const nonsense = (what: string) => () =>
      new AssayError('invalid-input', 'no', { what, expected: 'a header', got: 'another' });
    const { reader, chain } = flaky(1, nonsense('answer to chain_getHeader'));
    await clock.runUntil(withReadRetry(chain, parts).head());
    expect(reader.calls).toBe(2);
    const again = flaky(1, nonsense('answer to chain_getHeader'));
    await expect(withReadRetry(again.chain, parts).head()).rejects.toMatchObject({ code: 'invalid-input' });
    others = 1;
    const ours = flaky(1, nonsense('hotkey'));
    await expect(withReadRetry(ours.chain, parts).head()).rejects.toMatchObject({ code: 'invalid-input' });
    expect(others).toBe(1);
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
