import { afterEach, describe, expect, it } from 'vitest';
import { openPolkadotApi } from '../../../src/chain/index.js';
import { toHex } from '../../../src/model/bytes.js';
import { type LocalnetNode, startLocalnet } from './localnet-node.js';

let node: LocalnetNode;
afterEach(() => node?.goDown());

describe('the library of the field, for what this client has no word for', () => {
  it('opens on a node of the chain that is asked for, and asks it what it likes', async () => {
    node = await startLocalnet();
    const genesis = `0x${toHex(node.localnet.blockHash(0))}`;
    const api = await openPolkadotApi(node.url, genesis);
    try {
      expect((await api.query.subtensorModule!.tempo!(1)).toString()).toBe('360'); // the pallet's default
    } finally {
      await api.disconnect();
    }
  });

  it('refuses another chain, and is gone then', async () => {
    node = await startLocalnet();
    await expect(openPolkadotApi(node.url, `0x${'11'.repeat(32)}`)).rejects.toMatchObject({
      code: 'refused',
    });
  });
});
