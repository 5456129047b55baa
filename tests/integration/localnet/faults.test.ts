// Faults as a client meets them: over a socket, with polkadot.js and without.
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { serveLocalnet } from '../../../src/localnet/serve.js';
import { soon } from '../../support/soon.js';
import { startNode, TAO, type TestNode } from './node.js';

let node: TestNode;
beforeEach(async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {}); // polkadot.js prints what it also throws
  node = await startNode({ finalityLagBlocks: 3 });
});
afterEach(async () => {
  await node.close();
  vi.restoreAllMocks();
});
const dev = (method: string, ...params: unknown[]) => node.provider.send(`dev_${method}`, params);
const transfer = () => node.api.tx.balances!.transferKeepAlive!(node.pair('Charlie').address, TAO);

describe('a reorganisation', () => {
  it('is told as a node tells it: the new tip to those who follow the best head, every block to the others', async () => {
    await node.newBlocks(5);
    const best: number[] = [];
    const all: number[] = [];
    const final: number[] = [];
    const chain = node.api.rpc.chain;
    const stops = [
      await chain.subscribeNewHeads((head) => void best.push(head.number.toNumber())),
      await chain.subscribeAllHeads((head) => void all.push(head.number.toNumber())),
      await chain.subscribeFinalizedHeads((head) => void final.push(head.number.toNumber())),
    ];
    await soon(() => expect([best, all, final]).toEqual([[5], [5], [2]]));
    await dev('reorg', 2);
    await node.newBlock();
    await soon(() => expect(final).toEqual([2, 3, 4]));
    expect(best).toEqual([5, 6, 7]);
    expect(all).toEqual([5, 4, 5, 6, 7]);
    // what is told hangs together
    const tip = await chain.getHeader();
    expect((await chain.getHeader(tip.parentHash)).number.toNumber()).toBe(6);
    for (const stop of stops) stop();
  });

  it('tells a watcher that its block was retracted, then where the extrinsic is', async () => {
    const seen: string[] = [];
    const hashes: string[] = [];
    const stop = await transfer().signAndSend(node.pair('Alice'), { nonce: -1 }, ({ status }) => {
      seen.push(status.type);
      if (status.isInBlock) hashes.push(status.asInBlock.toHex());
      if (status.isRetracted) hashes.push(status.asRetracted.toHex());
      if (status.isFinalized) hashes.push(status.asFinalized.toHex());
    });
    await node.newBlock();
    await soon(() => expect(seen).toContain('InBlock'));
    await dev('reorg', 1);
    await node.newBlock();
    await soon(() => expect(hashes).toHaveLength(3));
    await node.newBlocks(3);
    await soon(() => expect(seen).toContain('Finalized'));
    expect(seen).toEqual(['Ready', 'InBlock', 'Retracted', 'Ready', 'InBlock', 'Finalized']);
    const [first, retracted, second, final] = hashes;
    expect([retracted, final]).toEqual([first, second]);
    expect(second).not.toBe(first);
    stop();
  });

  it('tells storage subscribers what is so on the new branch', async () => {
    const alice = node.pair('Alice');
    const nonces: number[] = [];
    const stop = await node.api.query.system!.account!(alice.address, (account: { toJSON(): unknown }) => {
      nonces.push((account.toJSON() as { nonce: number }).nonce);
    });
    await node.land(transfer(), alice);
    await dev('reorg', 1);
    await soon(() => expect(nonces).toEqual([0, 1, 0]));
    await node.newBlock();
    await soon(() => expect(nonces).toEqual([0, 1, 0, 1]));
    (stop as unknown as () => void)();
  });
});

describe('an upgrade of the runtime', () => {
  it('is told to who follows the version, and a client that follows can go on', async () => {
    const alice = node.pair('Alice');
    expect((await node.land(transfer(), alice)).error).toBeUndefined();
    const before = node.api.runtimeVersion.specVersion.toNumber();
    const moved = node.api.tx.subtensorModule!.setWeights!(1, [0], [1], 0).method.toHex();
    await dev('upgradeRuntime');
    await node.newBlock();
    // the client decorates itself anew from the metadata of the new version
    await soon(() => expect(node.api.runtimeVersion.specVersion.toNumber()).toBe(before + 1));
    await soon(() => expect(node.api.query.subtensorModule!.localnetUpgradedAt).toBeDefined());
    expect((await node.api.query.subtensorModule!.localnetUpgradedAt!()).toString()).toBe('2');
    expect(node.api.tx.subtensorModule!.setWeights!(1, [0], [1], 0).method.toHex()).not.toBe(moved);
    expect((await node.land(transfer(), alice)).error).toBeUndefined();
    const sudo = node.api.tx.sudo!.sudo!(node.api.tx.subtensorModule!.setWeights!(1, [0], [1], 0));
    expect((await node.land(sudo, alice)).error).toBe('subtensorModule.CommitRevealEnabled');
    // blocks before it read as they were
    const early = await node.at(await node.api.rpc.chain.getBlockHash(1).then((hash) => hash.toHex()));
    expect(early.query.subtensorModule!.localnetUpgradedAt).toBeUndefined();
  });

  it('refuses who signed for the version before', async () => {
    const signed = await transfer().signAsync(node.pair('Bob'), { nonce: -1 });
    await dev('upgradeRuntime');
    await node.newBlock();
    await expect(node.provider.send('author_submitExtrinsic', [signed.toHex()])).rejects.toThrow(
      '1010: Invalid Transaction: Transaction has a bad signature',
    );
  });
});

describe('connections', () => {
  it('are all dropped, after the answer, and refused for as long as asked', async () => {
    const socket = new WebSocket(node.url);
    await once(socket, 'open');
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'dev_dropConnections', params: [60_000] }));
    const [data] = await once(socket, 'message');
    expect(JSON.parse(String(data))).toEqual({ jsonrpc: '2.0', id: 1, result: null });
    await once(socket, 'close');
    await soon(() => expect(node.provider.isConnected).toBe(false));
    const refused = new WebSocket(node.url);
    refused.on('error', () => {});
    await once(refused, 'close');
    expect(await node.localnet.rpc('system_chain')).toBe('Assay Localnet');
  });

  it('wait in vain for a method that is silent, and for no other', async () => {
    await dev('nonsense', 'chain_getHeader', 'silence');
    let answered = false;
    const answer = node.provider.send('chain_getHeader', []).then(() => {
      answered = true;
    });
    answer.catch(() => {}); // ends with the connection
    expect(await node.provider.send('system_chain', [])).toBe('Assay Localnet');
    expect(answered).toBe(false);
  });

  it('from beyond loopback need leave, and get no dev methods', async () => {
    const stop = new AbortController();
    await expect(
      serveLocalnet(node.localnet, { host: '0.0.0.0', port: 0 }, stop.signal),
    ).rejects.toMatchObject({
      code: 'insecure-address',
    });
    let closed: Promise<void> = Promise.resolve();
    const port = await new Promise<number>((resolve, reject) => {
      const options = { host: '0.0.0.0', port: 0, allowRemote: true };
      closed = serveLocalnet(
        node.localnet,
        { ...options, onListening: (at) => resolve(at.port) },
        stop.signal,
      );
      closed.catch(reject);
    });
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    await once(socket, 'open');
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'dev_stall', params: [] }));
    const [data] = await once(socket, 'message');
    expect(JSON.parse(String(data))).toMatchObject({ error: { code: -32601 } });
    stop.abort();
    await closed;
  });
});
