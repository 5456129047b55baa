import { describe, expect, it } from 'vitest';
import { NETWORKS, toNetwork } from '../../../src/chain/networks.js';

describe('toNetwork', () => {
  it('knows the public networks by name, and what chain they are', () => {
    expect(toNetwork('finney')).toEqual(NETWORKS.finney);
    // the archive is the same chain
    expect(toNetwork('archive').genesis).toBe(NETWORKS.finney.genesis);
    expect(toNetwork('test').genesis).not.toBe(NETWORKS.finney.genesis);
    expect(toNetwork('local')).toEqual({ urls: ['ws://127.0.0.1:9944'], genesis: undefined });
  });

  it('takes addresses, several with commas between them', () => {
    expect(toNetwork('ws://a:1')).toEqual({ urls: ['ws://a:1'], genesis: undefined });
    expect(toNetwork('wss://a:1, ws://b:2').urls).toEqual(['wss://a:1', 'ws://b:2']);
  });

  it.each(['mainnet', '', 'ws://', 'ws://a:1,', 'toString', 'http://a:1', 'ws://a b'])(
    'refuses %j',
    (text) => {
      expect(() => toNetwork(text)).toThrow(expect.objectContaining({ code: 'invalid-input' }));
    },
  );

  it('says why an HTTP address will not do', () => {
    expect(() => toNetwork('https://a:1')).toThrow('an HTTP address cannot be subscribed to');
  });
});
