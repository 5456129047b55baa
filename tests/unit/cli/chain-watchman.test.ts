import { describe, expect, test } from 'vitest';
import type { ChainObserver, ChainStatus } from '../../../src/chain/chain.js';
import { watchChain } from '../../../src/cli/chain-watchman.js';
import { recordingLog } from '../../support/logs.js';

const WELL: ChainStatus = {
  state: 'connected',
  sinceMs: 1000,
  url: 'ws://a:1',
  specVersion: 424,
  head: { number: 7, hash: new Uint8Array(32) },
  headAgeMs: undefined,
  finalized: undefined,
  sickness: undefined,
  lastError: undefined,
};
const AWAY: ChainStatus = { ...WELL, state: 'away', sinceMs: 5000, head: undefined };

function watched() {
  let listener: ((status: ChainStatus) => void) | undefined;
  const observer: ChainObserver = {
    status: () => WELL,
    onStatus(added) {
      listener = added;
      return () => {
        listener = undefined;
      };
    },
  };
  const told: unknown[] = [];
  const { log, messages } = recordingLog();
  const stop = watchChain(observer, {
    log,
    tell: (message) => told.push(message),
    role: 'validator',
    netuid: 3,
    hotkey: '5F',
  });
  return { told, messages, stop, say: (status: ChainStatus) => listener?.(status) };
}

describe('what an operator is told of the chain', () => {
  test('away and back, each once, with how long it was', () => {
    const { told, messages, say } = watched();
    say(AWAY);
    say(AWAY);
    say({ ...WELL, url: 'ws://b:2', sinceMs: 65_000 });
    say({ ...WELL, url: 'ws://b:2', sinceMs: 65_000 });
    const about = { role: 'validator', netuid: 3, hotkey: '5F' };
    expect(told).toEqual([
      { kind: 'chain-away', url: 'ws://a:1', sinceMs: 5000, ...about },
      { kind: 'chain-back', url: 'ws://b:2', awayMs: 60_000, block: 7, ...about },
    ]);
    expect(messages()).toEqual(['chain away', 'chain back']);
  });

  test('a sick node when it becomes sick, and again only after it was well', () => {
    const { told, say } = watched();
    say({ ...WELL, sickness: 'stalled' });
    say({ ...WELL, sickness: 'stalled', sinceMs: 2000 });
    say(WELL);
    say({ ...WELL, sickness: 'lagging' });
    expect(told).toMatchObject([
      { kind: 'chain-sick', sickness: 'stalled' },
      { kind: 'chain-sick', sickness: 'lagging' },
    ]);
  });

  test('nothing of a change of node or runtime, and nothing once stopped', () => {
    const { told, say, stop } = watched();
    say({ ...WELL, url: 'ws://b:2', specVersion: 425 });
    stop();
    say(AWAY);
    expect(told).toEqual([]);
  });
});
