import { beforeAll, describe, expect, test } from 'vitest';
import { announce } from '../../../src/chain/announce.js';
import type { Axon } from '../../../src/chain/chain.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';

beforeAll(readyKeys);

const AXON: Axon = { ip: '127.16.0.1', port: 8091 };

async function announced(known: Axon | undefined, registered = true): Promise<Axon[]> {
  const keypair = devKeypair('miner');
  const served: Axon[] = [];
  const hotkey = toHotkey(registered ? keypair.address : 'another');
  await announce(
    {
      reader: { subnet: async () => subnet([neuron(0), neuron(1, { hotkey, axon: known })]) },
      writer: {
        async serveAxon(_hotkey, _netuid, axon) {
          served.push(axon);
          return { block: 5, blockHash: new Uint8Array(32), extrinsicHash: new Uint8Array(32) };
        },
      },
      keypair,
      log: silentLog,
    },
    { netuid: NETUID, axon: AXON },
  );
  return served;
}

describe('announce', () => {
  test('serves the axon when the chain has none or another', async () => {
    expect(await announced(undefined)).toEqual([AXON]);
    expect(await announced({ ...AXON, port: 8092 })).toEqual([AXON]);
    expect(await announced({ ...AXON, ip: '127.17.0.1' })).toEqual([AXON]);
  });

  test('sends nothing when the chain has exactly this one: serving is rate-limited', async () => {
    expect(await announced({ ...AXON })).toEqual([]);
  });

  test('tells a hotkey that is not registered to register first', async () => {
    const { address } = devKeypair('miner');
    await expect(announced(undefined, false)).rejects.toMatchObject({
      code: 'chain-unknown',
      message: `hotkey ${address} is not registered on subnet 7: register it first`,
    });
  });
});
