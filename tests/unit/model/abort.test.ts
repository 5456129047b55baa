import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { childOf } from '../../../src/model/abort.js';

test('a child ends with its parent, for the same reason', () => {
  const parent = new AbortController();
  const child = childOf(parent.signal);
  expect(child.signal.aborted).toBe(false);
  parent.abort(new Error('stopping'));
  expect(child.signal.reason).toBe(parent.signal.reason);
  expect(childOf(parent.signal).signal.reason).toBe(parent.signal.reason);
});

test('one that ends before leaves nothing at its parent', () => {
  const parent = new AbortController();
  for (let i = 0; i < 100; i++) childOf(parent.signal).abort();
  expect(getEventListeners(parent.signal, 'abort')).toHaveLength(0);
  expect(parent.signal.aborted).toBe(false);
});
