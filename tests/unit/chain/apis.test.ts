import { beforeAll, describe, expect, it } from 'vitest';
import { createApis } from '../../../src/chain/subtensor/connection-handshake.js';
import { unreachable } from '../../../src/chain/subtensor/errors.js';
import { devKeypair, readyKeys } from '../../../src/keys/index.js';
import { createLocalnet } from '../../../src/localnet/index.js';

const GENESIS = `0x${'00'.repeat(32)}`;
let metadata: unknown;

beforeAll(async () => {
  await readyKeys();
  const localnet = await createLocalnet({ sudo: devKeypair('apis').address, manual: true });
  metadata = await localnet.rpc('state_getMetadata');
});

/** A socket to a node of the runtime whose metadata comes as a test says. */
function socketTo(url: string, metadataOf: () => Promise<unknown>) {
  const asked: string[] = [];
  return {
    url,
    asked,
    async request(method: string) {
      asked.push(method);
      if (method === 'state_getRuntimeVersion')
        return { specName: 'node', specVersion: 1, transactionVersion: 1, apis: [] };
      if (method === 'state_getMetadata') return await metadataOf();
      throw new Error(`${method} is not served`);
    },
  };
}
const never = () => new Promise<never>(() => {});

describe('runtimes', () => {
  it('are loaded over each socket, so that one that dies or is silent takes no other with it', async () => {
    const apis = createApis({ runtimesKept: 3 });
    let die = (_: Error) => {};
    const dying = socketTo('ws://a', () => new Promise((_, reject) => (die = reject)));
    const silent = socketTo('ws://b', never);
    const failing = apis.at(dying, GENESIS, '0x1');
    void apis.at(silent, GENESIS, '0x1');
    while (!dying.asked.includes('state_getMetadata')) await new Promise((resolve) => setImmediate(resolve));
    const good = apis.at(
      socketTo('ws://c', async () => metadata),
      GENESIS,
      '0x1',
    );
    die(unreachable('ws://a'));
    await expect(failing).rejects.toMatchObject({ code: 'unreachable' });
    expect((await good).runtimeVersion.specVersion.toNumber()).toBe(1);
  });

  it('are loaded once over one socket, and not again once they are there', async () => {
    const apis = createApis({ runtimesKept: 3 });
    const first = socketTo('ws://a', async () => metadata);
    const [a, b] = await Promise.all([apis.at(first, GENESIS, '0x1'), apis.at(first, GENESIS, '0x2')]);
    expect(a).toBe(b);
    expect(await apis.at(socketTo('ws://b', never), GENESIS, '0x1')).toBe(a);
    expect(first.asked.filter((method) => method === 'state_getMetadata')).toHaveLength(1);
  });
});
