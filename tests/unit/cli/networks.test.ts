import { describe, expect, test } from 'vitest';
import { networkOf, networkText } from '../../../src/cli/networks.js';
import { isAssayError } from '../../../src/model/errors.js';

// genesis of Bittensor's main network, as chain lists publish it
const FINNEY = '0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03';

const messageOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (isAssayError(error, 'invalid-input')) return error.message;
    throw error;
  }
  return expect.fail('was accepted');
};

describe('--network', () => {
  test('finney pins the genesis of the main network', () => {
    expect(networkOf(['finney']).genesis).toBe(FINNEY);
  });

  test('local and addresses of one’s own pin none', () => {
    expect(networkOf(['local'])).toEqual({ urls: ['ws://127.0.0.1:9944'], genesis: undefined });
    expect(networkOf(['ws://a:1,wss://b:2', 'ws://a:1'])).toEqual({
      urls: ['ws://a:1', 'wss://b:2'],
      genesis: undefined,
    });
  });

  test('a name beside an address pins the address too', () => {
    const { urls, genesis } = networkOf(['ws://own:9944', 'finney']);
    expect(urls[0]).toBe('ws://own:9944');
    expect(genesis).toBe(FINNEY);
  });

  test('two chains at once are refused', () => {
    expect(messageOf(() => networkOf(['finney', 'test']))).toMatch(/nodes of one chain/);
    expect(messageOf(() => networkOf(['finney'], `0x${'00'.repeat(32)}`))).toMatch(/nodes of one chain/);
  });

  test('an HTTP address is refused, and the error says what would do', () => {
    expect(messageOf(() => networkOf(['http://127.0.0.1:9944']))).toMatch(
      /an HTTP address cannot be subscribed to/,
    );
  });

  test('is shown, on pages that may be public too, without what an address holds of a secret', () => {
    const rented = 'wss://ada:pass@node.example/v1/0123456789abcdef?key=secret';
    expect(networkText(['finney', `ws://10.0.0.2:9944, ${rented}`])).toBe(
      'finney, ws://10.0.0.2:9944, wss://node.example/v1/01234...',
    );
  });

  test('more addresses than anybody has are refused', () => {
    const many = Array.from({ length: 17 }, (_, i) => `ws://a:${i + 1}`).join(',');
    expect(messageOf(() => networkOf([many]))).toMatch(/at most 16 addresses, got 17/);
  });
});
