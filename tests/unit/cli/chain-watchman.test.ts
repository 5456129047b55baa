import { describe, expect, test } from 'vitest';
import type { ChainObserver, ChainStatus } from '../../../src/chain/chain.js';
import { connectRole, watchChain } from '../../../src/cli/chain-watchman.js';
import { AssayError } from '../../../src/model/errors.js';
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

describe('the first connection of a role', () => {
  const about = { role: 'miner', netuid: 3, hotkey: '5F' };
  function first(...answers: (AssayError | 'chain')[]) {
    const told: unknown[] = [];
    const timeouts: unknown[] = [];
    const { log, messages } = recordingLog();
    let now = 1000;
    const connected = connectRole(
      async ({ connectTimeoutMs }) => {
        timeouts.push(connectTimeoutMs);
        now += 500;
        const answer = answers.shift();
        if (answer instanceof AssayError) throw answer;
        return answer;
      },
      {
        ...about,
        urls: ['wss://me:secret@a:1'],
        log,
        clock: { now: () => now },
        tell: (message) => told.push(message),
      },
    );
    return { connected, told, timeouts, messages };
  }
  const gone = () => new AssayError('unreachable', 'gone', { address: 'wss://a:1' });

  test('is waited for where no node answers, and said once, without passwords', async () => {
    const { connected, told, timeouts, messages } = first(gone(), gone(), 'chain');
    expect(await connected).toBe('chain');
    const url = 'wss://a:1';
    expect(told).toEqual([
      { kind: 'chain-away', url, sinceMs: 1000, error: 'gone', ...about },
      { kind: 'chain-back', url, awayMs: 1500, ...about },
    ]);
    expect(timeouts).toEqual([5000, undefined, undefined]);
    expect(messages()).toEqual(['chain away']);
  });

  test('says nothing when it is there, and ends when another chain is', async () => {
    const there = first('chain');
    expect(await there.connected).toBe('chain');
    expect(there.told).toEqual([]);
    const other = first(new AssayError('refused', 'another chain', { reason: 'another chain' }));
    await expect(other.connected).rejects.toMatchObject({ code: 'refused' });
  });
});
