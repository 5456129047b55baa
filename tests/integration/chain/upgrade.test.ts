// A runtime that changes under a client which is in the middle of something.
import { Metadata, TypeRegistry } from '@polkadot/types';
import { blake2AsU8a } from '@polkadot/util-crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type ChainReader, type ChainWriter, connectSubtensor } from '../../../src/chain/index.js';
import { devKeypair, readyKeys, verifySignature } from '../../../src/keys/keypair.js';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { startLocalnet } from './localnet-node.js';
import { type ScriptedNode, serveScripted } from './scripted-node.js';

const limits = {
  reconnectMinMs: 1,
  reconnectMaxMs: 20,
  readRetryMinMs: 1,
  readRetryMaxMs: 20,
  fatePollMs: 5,
};
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function connect(url: string): Promise<ChainReader & ChainWriter> {
  const chain = await connectSubtensor({ url, log: silentLog, clock: systemClock, limits });
  closing.push(() => chain.close());
  return chain;
}

/** The spec version under which an extrinsic is signed, of those given. */
function signedUnder(node: ScriptedNode, hex: string, versions: readonly number[]): number | undefined {
  const registry = new TypeRegistry();
  registry.setMetadata(new Metadata(registry, node.metadata as `0x${string}`), undefined, undefined, true);
  const extrinsic = registry.createType('Extrinsic', hex);
  return versions.find((specVersion) => {
    const payload = registry.createTypeUnsafe('ExtrinsicPayload', [
      {
        method: extrinsic.method.toHex(),
        era: extrinsic.era.toHex(),
        nonce: extrinsic.nonce.toHex(),
        tip: extrinsic.tip.toHex(),
        mode: extrinsic.mode,
        metadataHash: extrinsic.metadataHash,
        specVersion,
        transactionVersion: 1,
        genesisHash: node.blocks[0]!.hash,
        blockHash: node.blocks[0]!.hash, // what was final when it was signed
      },
      { version: 4 },
    ]);
    const bytes = payload.toU8a({ method: true });
    const message = bytes.length > 256 ? blake2AsU8a(bytes) : bytes;
    const signature = extrinsic.signature.toU8a().slice(-64);
    return verifySignature(signature, message, extrinsic.signer.toU8a().slice(-32));
  });
}

describe('a write at the moment of a runtime upgrade', () => {
  async function scripted() {
    await readyKeys();
    const node = await serveScripted();
    closing.push(node.close);
    const chain = await connect(node.url);
    const sent: string[] = [];
    const refuse = (data: string) => {
      node.answers.author_submitAndWatchExtrinsic = ([hex]) => {
        sent.push(String(hex));
        throw Object.assign(new Error('Invalid Transaction'), { code: 1010, data });
      };
    };
    return { node, chain, sent, refuse };
  }
  const transfer = (chain: ChainWriter) => chain.transfer(devKeypair('a'), devKeypair('b').address, 1_000n);

  it('is signed again, once, when it was refused for the version it was signed under', async () => {
    const { node, chain, sent, refuse } = await scripted();
    node.push({ specVersion: 2, quiet: true }); // the client has not heard of it
    refuse('Transaction has a bad signature');
    await expect(transfer(chain)).rejects.toMatchObject({
      code: 'chain-rejected',
      data: { error: 'BadProof' },
    });
    expect(sent.map((hex) => signedUnder(node, hex, [1, 2, 3]))).toEqual([1, 2]);
  });

  it('is not sent again in the old form’s places when the call has other arguments now', async () => {
    const { node, chain, sent, refuse } = await scripted();
    // transfer_keep_alive(dest, value) becomes (dest, valve): 0x14 is the length of the name
    node.answers.state_getMetadata = () => node.metadata.replaceAll('1476616c7565', '1476616c7665');
    node.push({ specVersion: 2, quiet: true });
    refuse('Transaction has a bad signature');
    await expect(transfer(chain)).rejects.toMatchObject({
      code: 'unsupported',
      data: { what: 'Balances.transfer_keep_alive', why: expect.stringContaining('no argument value') },
    });
    expect(sent).toHaveLength(1);
  });

  it('is not sent again when the runtime is the same', async () => {
    const { chain, sent, refuse } = await scripted();
    refuse('Transaction has a bad signature');
    await expect(transfer(chain)).rejects.toMatchObject({ code: 'chain-rejected' });
    expect(sent).toHaveLength(1);
  });

  it('is not sent again when a pool may have it', async () => {
    const { node, chain } = await scripted();
    const sent: string[] = [];
    node.answers.author_submitAndWatchExtrinsic = ([hex]) => {
      sent.push(String(hex));
      node.push({ specVersion: 2, quiet: true });
      node.drop();
      return undefined;
    };
    const transferred = transfer(chain);
    const fails = expect(transferred).rejects.toMatchObject({ data: { error: 'AncientBirthBlock' } });
    await new Promise<void>((resolve) => {
      const look = () => (sent.length > 0 ? resolve() : setImmediate(look));
      look();
    });
    for (let i = 0; i < 70; i++) node.push();
    node.finalize(70);
    await fails;
    expect(sent).toHaveLength(1);
  });
});

describe('an upgrade of the localnet', () => {
  it('changes how the next call is encoded, and leaves reads of older blocks with the older types', async () => {
    const node = await startLocalnet();
    closing.push(node.goDown);
    const { localnet, root } = node;
    const chain = await connect(node.url);
    const to = devKeypair('to').address;
    const before = (await chain.info()).specVersion;
    const send = async (amount: bigint) => {
      const sending = chain.transfer(root, to, amount);
      while (((await localnet.rpc('author_pendingExtrinsics')) as unknown[]).length === 0)
        await new Promise((resolve) => setImmediate(resolve));
      localnet.produceBlock();
      return await sending;
    };
    const old = await send(1_000_000n);
    await localnet.rpc('dev_upgradeRuntime');
    localnet.produceBlock();
    localnet.produceBlock();
    await send(2_000_000n); // whichever version the client knows of by now
    expect(await chain.balanceRao(to)).toBe(3_000_000n);
    expect((await chain.info()).specVersion).toBe(before + 1);
    expect((await chain.subnet(0 as never, old.blockHash)).block).toBe(old.block);
    expect((await chain.subnet(0 as never)).block).toBe(localnet.head().number);
  });
});
