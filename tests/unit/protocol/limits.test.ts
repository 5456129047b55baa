import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEFAULT_LINK_LIMITS } from '../../../src/compute/tcp/link.js';
import { ECHO_LIMITS } from '../../../src/protocol/echo/answer.js';
import {
  CERTIFICATE_MAX_MS,
  DEFAULT_LIMITS,
  FILE_PIECE_BYTES,
  OPENING_PIECE_BYTES,
  PIECED_FILE_BYTES,
  SESSION_LIMITS,
  toLimits,
} from '../../../src/protocol/limits.js';

test('docs/limits.md names every limit with its default', () => {
  const doc = readFileSync('docs/limits.md', 'utf8');
  const under = (prefix: string, limits: object) =>
    Object.fromEntries(Object.entries(limits).map(([key, value]) => [`${prefix}.${key}`, value]));
  const all = {
    ...DEFAULT_LIMITS,
    ...SESSION_LIMITS,
    OPENING_PIECE_BYTES,
    FILE_PIECE_BYTES,
    PIECED_FILE_BYTES,
    ...under('link', DEFAULT_LINK_LIMITS),
    ...under('echo', ECHO_LIMITS),
  };
  for (const [key, value] of Object.entries(all)) {
    const row = doc.split('\n').find((line) => line.startsWith(`| \`${key}\` |`));
    expect(row, `a row for ${key}`).toBeDefined();
    expect(row).toContain(`| ${value.toLocaleString('en-US')} |`);
  }
});

test('an opening piece and its envelope fit one message', () => {
  expect(DEFAULT_LIMITS.responseBytes - OPENING_PIECE_BYTES).toBeGreaterThan(1024);
});

test('a stream ends before its certificate does', () => {
  expect(DEFAULT_LIMITS.streamMs).toBeLessThanOrEqual(DEFAULT_LIMITS.certificateRenewMs);
});

test('whoever opened at once has its receipt, however slow another opens', () => {
  const { openingTakeMs, receiptWaitMs } = SESSION_LIMITS;
  expect(receiptWaitMs).toBeGreaterThanOrEqual(openingTakeMs + 30_000); // what is left is for judging the last one
});

test('no stream is idle for too long while its peer keeps to the waits of a session', () => {
  const waits = Object.entries(SESSION_LIMITS).filter(([key]) => key.endsWith('WaitMs'));
  expect(waits.length).toBe(4);
  for (const [key, ms] of waits) expect([key, ms < DEFAULT_LIMITS.streamIdleMs]).toEqual([key, true]);
});

test('a stranger is refused before it is dropped', () => {
  expect(DEFAULT_LIMITS.strangerMs).toBeGreaterThan(DEFAULT_LIMITS.firstFrameMs);
});

test('a validator that reconnects may open every slot of a hotkey, and ask what it serves, beside seven floods', () => {
  const { strangerStreams, strangerStreamsPerAddress, streamsPerPeer } = DEFAULT_LIMITS;
  const { slotsPerMiner } = SESSION_LIMITS;
  expect(strangerStreamsPerAddress).toBeGreaterThan(slotsPerMiner);
  expect(streamsPerPeer).toBeGreaterThanOrEqual(strangerStreamsPerAddress);
  expect(strangerStreams).toBeGreaterThanOrEqual((7 + 1) * slotsPerMiner);
});

test('all connections fit the usual number of descriptors', () => {
  expect(DEFAULT_LIMITS.connections + DEFAULT_LIMITS.strangerConnections).toBeLessThan(1024 - 128);
});

test('an honest caller at its rate never fills its store of call ids', () => {
  const { callsPerSecondPerPeer: rate, skewMs, noncesPerPeer } = DEFAULT_LIMITS;
  expect(noncesPerPeer).toBeGreaterThan(rate * 5 + (rate * 2 * skewMs) / 1000);
});

test('limits that contradict one another are refused', () => {
  expect(() => toLimits({ certificateMs: CERTIFICATE_MAX_MS + 1 })).toThrow(RangeError);
  expect(() => toLimits({ certificateRenewMs: DEFAULT_LIMITS.certificateMs })).toThrow(RangeError);
  expect(() => toLimits({ streamMs: DEFAULT_LIMITS.certificateRenewMs + 1 })).toThrow(RangeError);
  expect(() => toLimits({ streams: 0 })).toThrow(RangeError);
  expect(() => toLimits({ skewMs: Number.NaN })).toThrow(RangeError);
  expect(toLimits({ streams: 3 })).toEqual({ ...DEFAULT_LIMITS, streams: 3 });
});
