import { describe, expect, it } from 'vitest';
import { chainTypeOf, NETWORKS, shownUrl, toNetwork } from '../../../src/chain/networks.js';

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

describe('what a chain counts as', () => {
  const judge = (url: string, { genesis = '0x01', type = 'Development', name = 'subtensor' } = {}) =>
    chainTypeOf({ genesis, url, type, nodeName: async () => name });

  it('is live by its genesis, whatever its node calls it: the public test network calls itself Development', async () => {
    for (const { genesis } of [NETWORKS.finney, NETWORKS.test])
      for (const url of ['wss://test.finney.opentensor.ai:443', 'ws://127.0.0.1:9944'])
        expect(await judge(url, { genesis, name: 'Assay Localnet Node' })).toBe('live');
  });

  it('is not made a development chain by the word of a far node alone', async () => {
    expect(await judge('wss://node.example')).toBe('live');
    expect(await judge('ws://127.0.0.1.example:9944', { type: 'Local' })).toBe('live');
    expect(await judge('ws://10.0.0.2:9944', { name: 'Assay Localnet Node' })).toBe('development');
    expect(await judge('ws://10.0.0.2:9944', { name: 'Chopsticks' })).toBe('development');
  });

  it('is what its node says on this machine', async () => {
    for (const url of ['ws://127.0.0.1:9944', 'ws://localhost:9944', 'ws://[::1]:9944']) {
      expect(await judge(url)).toBe('development');
      expect(await judge(url, { type: 'Local' })).toBe('local');
      expect(await judge(url, { type: 'Live' })).toBe('live');
    }
  });
});

describe('an address as it is shown', () => {
  it.each([
    ['wss://entrypoint-finney.opentensor.ai:443', 'wss://entrypoint-finney.opentensor.ai:443'],
    ['ws://127.0.0.1:9944/', 'ws://127.0.0.1:9944/'],
    ['wss://me:secret@node:9944/', 'wss://node:9944'],
    ['wss://node/?apikey=secret', 'wss://node'],
    ['wss://node/v1/0123456789abcdef', 'wss://node/v1/01234...'],
    ['wss://me:secret@a b?key=secret', 'wss://a b'],
  ])('%s is %s', (url, shown) => {
    expect(shownUrl(url)).toBe(shown);
  });

  it('is the one in errors about it', () => {
    expect(() => toNetwork('wss://me:secret@a b')).toThrow(/not a chain address: wss:\/\/a b; expected ws:/);
  });
});
