import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { childOf, raceAbort } from '../../../src/model/abort.js';

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

test('work that is raced against a signal which has gone off fails unheard, and ends no process', async () => {
  const failing = Promise.reject(new Error('too late'));
  await expect(raceAbort(AbortSignal.abort(new Error('stopping')), failing)).rejects.toThrow('stopping');
  await new Promise((resolve) => setImmediate(resolve)); // by now it would have
});

test('work that fails first is what went wrong', async () => {
  const { signal } = new AbortController();
  await expect(raceAbort(signal, Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await raceAbort(signal, Promise.resolve(7))).toBe(7);
  await new Promise((resolve) => setImmediate(resolve));
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
