import { describe, expect, it } from 'vitest';
import { createEndpoints } from '../../../src/chain/subtensor/endpoints.js';
import { unreachable } from '../../../src/chain/subtensor/errors.js';
import { AssayError } from '../../../src/model/errors.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';

const limits = { reconnectMinMs: 100, reconnectMaxMs: 400 };
const error = (url: string) => unreachable(url);

function three() {
  const clock = createVirtualClock();
  return { clock, endpoints: createEndpoints(['a', 'b', 'c'], clock, limits) };
}

describe('endpoints', () => {
  it('are ready in the order given', () => {
    expect(three().endpoints.ready()).toEqual(['a', 'b', 'c']);
  });

  it('pause after a failure, twice as long after each, up to the maximum', async () => {
    const { clock, endpoints } = three();
    const pauses: (number | undefined)[] = [];
    for (const url of ['b', 'c']) endpoints.ban(url, error(url));
    for (let i = 0; i < 5; i++) {
      endpoints.failed('a', error('a'));
      pauses.push(endpoints.waitMs());
      expect(endpoints.ready()).toEqual([]);
      await clock.runUntil(clock.sleep(endpoints.waitMs() ?? 0));
      expect(endpoints.ready()).toEqual(['a']);
    }
    expect(pauses).toEqual([100, 200, 400, 400, 400]);
    endpoints.answered('a');
    endpoints.failed('a', error('a'));
    expect(endpoints.waitMs()).toBe(100);
  });

  it('that failed come after those that did not, the latest last', async () => {
    const { clock, endpoints } = three();
    endpoints.failed('b', error('b'));
    await clock.runUntil(clock.sleep(50));
    endpoints.failed('a', error('a'));
    expect(endpoints.ready()).toEqual(['c']);
    await clock.runUntil(clock.sleep(1_000));
    expect(endpoints.ready()).toEqual(['c', 'b', 'a']);
  });

  it('wait for nothing while one is ready', () => {
    const { endpoints } = three();
    endpoints.failed('a', error('a'));
    expect(endpoints.waitMs()).toBe(0);
  });

  it('that are banned never come back, and all of them together are hopeless', () => {
    const { endpoints } = three();
    const other = (url: string) => new AssayError('refused', `${url} is another chain`, { reason: url });
    for (const url of ['a', 'b']) endpoints.ban(url, other(url));
    expect(endpoints.ready()).toEqual(['c']);
    expect(endpoints.hopeless()).toBeUndefined();
    endpoints.ban('c', other('c'));
    expect(endpoints.waitMs()).toBeUndefined();
    expect(endpoints.hopeless()?.data).toEqual({
      reason: 'a is another chain; b is another chain; c is another chain',
    });
  });

  it('keep the only one its own error', () => {
    const endpoints = createEndpoints(['a'], createVirtualClock(), limits);
    const only = error('a');
    endpoints.ban('a', only);
    expect(endpoints.hopeless()).toBe(only);
  });

  it('are at least one, and only those given', () => {
    expect(() => createEndpoints([], createVirtualClock(), limits)).toThrow(RangeError);
    expect(() => three().endpoints.failed('d', error('d'))).toThrow(RangeError);
  });
});
