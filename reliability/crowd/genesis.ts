// Owns: a chain on which the whole crowd is registered, serves its axons and knows its validator, saved to a file: a thousand registrations
// take a second where nobody waits for blocks. Does not own: running it.
import { setImmediate } from 'node:timers/promises';
import { toChainIp } from '../../src/chain/address.js';
import { runtime } from '../../src/chain/codec/runtime.js';
import { keypairFromUri, readyKeys } from '../../src/keys/index.js';
import { createLocalnet, saveState } from '../../src/localnet/index.js';
import { nodeOf } from '../../src/localnet/node.js';
import { systemClock } from '../../src/model/clock.js';
import { type Netuid, toHotkey } from '../../src/model/ids.js';
import type { OwnersFiles } from '../../src/testing/demo-policy.js';
import { createEmbeddedChain } from '../../src/testing/embedded-chain.js';
import { createEmbeddedCommitments } from '../../src/testing/embedded-commitments.js';
import { ownersSudoCalls } from '../../src/testing/setup.js';
import { type CrowdMiner, PORT } from './plan.js';

const { MaxAllowedUids } = runtime.SubtensorModule.storage;
const TAO = 1_000_000_000n;
export const VALIDATOR = {
  hotkeyUri: '//crowd//validator//hot',
  coldkeyUri: '//crowd//validator//cold',
} as const;
const OWNER = { hotkeyUri: '//crowd//owner//hot', coldkeyUri: '//crowd//owner//cold' } as const;
/** In a block at most: the pool and a block take more. */
const AT_ONCE = 200;

export async function writeGenesis(
  path: string,
  {
    crowd,
    blockTimeMs,
    tempo,
    files,
  }: {
    readonly crowd: readonly CrowdMiner[];
    readonly blockTimeMs: number;
    readonly tempo: number;
    readonly files: OwnersFiles;
  },
): Promise<{ readonly netuid: Netuid }> {
  await readyKeys();
  const known = new Map<string, string>();
  const address = (uri: string): string => {
    const found = known.get(uri) ?? keypairFromUri(uri).address;
    known.set(uri, found);
    return found;
  };
  const root = keypairFromUri('//Alice');
  const coldkeys = new Set([
    OWNER.coldkeyUri,
    VALIDATOR.coldkeyUri,
    ...crowd.map(({ coldkeyUri }) => coldkeyUri),
  ]);
  const localnet = await createLocalnet({
    sudo: root.address,
    balances: [...coldkeys].map((uri) => [address(uri), 100_000n * TAO] as const),
    blockTimeMs,
    manual: true,
    genesisMs: systemClock.now(),
  });
  const chain = createEmbeddedChain(localnet);
  const made = async <T>(work: Promise<T>): Promise<T> => {
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    over.catch(() => {});
    while (!isOver) {
      await setImmediate();
      if (!isOver) localnet.produceBlock();
    }
    return work;
  };
  try {
    const owner = keypairFromUri(OWNER.coldkeyUri);
    const ownerHotkey = keypairFromUri(OWNER.hotkeyUri);
    const { netuid } = await made(chain.registerNetwork(owner, toHotkey(ownerHotkey.address)));
    await made(chain.startCall(owner, netuid));
    const sudo = [
      ...ownersSudoCalls(netuid, false, tempo).map(({ call }) => call),
      // the price of a place doubles with every one that is taken: without a lid nobody could pay for the last
      { call: 'sudo_set_max_burn', args: [netuid, 200_000_000n] },
    ];
    for (const call of sudo) await made(chain.sudo(root, call));
    // no call of the pallets allows more than 256: a runtime with other defaults would
    nodeOf(localnet).store.put(MaxAllowedUids, [netuid], crowd.length + 2);
    const { epochIndex } = await chain.subnet(netuid);
    await made(
      createEmbeddedCommitments(localnet).publish(ownerHotkey, netuid, files.publication(epochIndex)),
    );

    const validator = keypairFromUri(VALIDATOR.coldkeyUri);
    const validatorHotkey = toHotkey(address(VALIDATOR.hotkeyUri));
    await made(chain.burnedRegister(validator, netuid, validatorHotkey));
    await made(chain.addStake(validator, netuid, validatorHotkey, 1000n * TAO));
    const submitAll = async (call: (miner: CrowdMiner) => Parameters<typeof localnet.submit>) => {
      for (let at = 0; at < crowd.length; at += AT_ONCE) {
        const part = crowd.slice(at, at + AT_ONCE).map((miner) => localnet.submit(...call(miner)));
        for (const { error } of await made(Promise.all(part)))
          if (error !== undefined) throw new Error(`the crowd's genesis: ${error}`);
      }
    };
    await submitAll(({ hotkeyUri, coldkeyUri }) => [
      { pallet: 'SubtensorModule', name: 'burned_register', args: { netuid, hotkey: address(hotkeyUri) } },
      address(coldkeyUri),
    ]);
    await submitAll(({ hotkeyUri, host }) => {
      const { value: ip, type: ip_type } = toChainIp(host);
      const args = {
        netuid,
        version: 1,
        ip,
        port: PORT,
        ip_type,
        protocol: 4,
        placeholder1: 0,
        placeholder2: 0,
      };
      return [{ pallet: 'SubtensorModule', name: 'serve_axon', args }, address(hotkeyUri)];
    });
    // permits come with an epoch, and what the owner published counts from the next one on
    for (;;) {
      const now = await chain.subnet(netuid);
      const permit = now.neurons.find(({ hotkey }) => hotkey === validatorHotkey)?.validatorPermit;
      if (permit && now.epochIndex > epochIndex) break;
      localnet.produceBlock();
    }
    saveState(path, localnet.save());
    return { netuid };
  } finally {
    localnet.close();
  }
}
