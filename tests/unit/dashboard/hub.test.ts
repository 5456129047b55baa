import { expect, test } from 'vitest';
import { createHub, type Listener } from '../../../src/dashboard/hub.js';

function listener(takes: () => boolean = () => true) {
  const sent: Buffer[] = [];
  let dropped = 0;
  const self: Listener = {
    write(bytes) {
      sent.push(bytes);
      return takes();
    },
    drop: () => void dropped++,
  };
  return { self, sent, dropped: () => dropped, text: () => Buffer.concat(sent).toString() };
}

test('an event is serialised once: all who listen to its topic are sent the same bytes', () => {
  const hub = createHub();
  const [a, b, other] = [listener(), listener(), listener()];
  hub.listen(new Set(['rounds']), a.self);
  hub.listen(new Set(['rounds', 'masthead']), b.self);
  hub.listen(new Set(['masthead']), other.self);
  hub.publish('rounds', { html: '<p>1</p>', rao: 5n });
  expect(a.text()).toBe('id: 1\nevent: rounds\ndata: {"html":"<p>1</p>","rao":"5"}\n\n');
  expect(b.sent[0]).toBe(a.sent[0]);
  expect(other.sent).toEqual([]);
});

test('who comes back is sent the newest that it missed of each of its topics, in their order', () => {
  const hub = createHub();
  for (const n of [1, 2, 3]) hub.publish('rounds', n);
  hub.publish('lab', 4);
  const late = listener();
  hub.listen(new Set(['rounds']), late.self, 1);
  expect(late.text()).toBe('id: 3\nevent: rounds\ndata: 3\n\n');
  hub.publish('rounds', 5);
  const both = listener();
  hub.listen(new Set(['rounds', 'lab']), both.self, 1);
  expect(both.text()).toBe('id: 4\nevent: lab\ndata: 4\n\nid: 5\nevent: rounds\ndata: 5\n\n');
  const current = listener();
  hub.listen(new Set(['rounds', 'lab']), current.self, 5);
  expect(current.sent).toEqual([]);
  // its number is one of a process that was here before this one
  const stranger = listener();
  hub.listen(new Set(['rounds']), stranger.self, 900);
  expect(stranger.text()).toBe('id: 5\nevent: rounds\ndata: 5\n\n');
  const fresh = listener();
  hub.listen(new Set(['rounds']), fresh.self);
  expect(fresh.sent).toEqual([]);
});

test('who does not take in what it is sent is dropped, and keeps nobody waiting', () => {
  const hub = createHub({ patience: 2 });
  const [slow, quick] = [listener(() => false), listener()];
  hub.listen(new Set(['rounds']), slow.self);
  hub.listen(new Set(['rounds']), quick.self);
  for (let n = 0; n < 5; n++) hub.publish('rounds', n);
  expect(slow.dropped()).toBe(1);
  expect(slow.sent).toHaveLength(3);
  expect(quick.sent).toHaveLength(5);
  expect(hub.listeners()).toBe(1);
});

test('who takes it in again in time stays', () => {
  const hub = createHub({ patience: 1 });
  const slow = listener(() => false);
  hub.listen(new Set(['rounds']), slow.self);
  for (let n = 0; n < 5; n++) {
    hub.publish('rounds', n);
    hub.drained(slow.self);
  }
  expect(slow.dropped()).toBe(0);
});

test('more than so many are refused; a place that is left is free again', () => {
  const hub = createHub({ maxListeners: 1 });
  const end = hub.listen(new Set(['rounds']), listener().self);
  expect(hub.listen(new Set(['rounds']), listener().self)).toBeUndefined();
  end?.();
  expect(hub.listen(new Set(['rounds']), listener().self)).toBeDefined();
});

test('an event that is too large is its sender’s bug', () => {
  expect(() => createHub().publish('rounds', 'x'.repeat(70_000))).toThrow(
    'event rounds: expected at most 65536 bytes, got 70030',
  );
});
