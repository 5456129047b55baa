// What a node must survive and say, on the wire.
import { once } from 'node:events';
import type { GenericExtrinsicEra } from '@polkadot/types';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { LIMITS } from '../../../src/localnet/limits.js';
import type { State } from '../../../src/localnet/state.js';
import { soon } from '../../support/soon.js';
import { startNode, TAO, type TestNode } from './node.js';

type Message = Record<string, unknown> & { error?: { code: number; message: string; data?: string } };

async function rawSocket(url: string) {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  return {
    socket,
    async ask(text: string): Promise<Message> {
      socket.send(text);
      const [data] = await once(socket, 'message');
      return JSON.parse(String(data)) as Message;
    },
    close: () => socket.close(),
  };
}

describe('the localnet over WebSocket', () => {
  let node: TestNode;
  beforeAll(async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {}); // polkadot.js prints what it also throws
    node = await startNode();
  });
  afterAll(() => node.close());
  const transfer = () => node.api.tx.balances!.transferKeepAlive!(node.pair('Charlie').address, TAO);

  it('tells what it is', async () => {
    expect((await node.api.rpc.system.chainType()).toString()).toBe('Development');
    expect(node.api.runtimeVersion.specVersion.toNumber()).toBe(425);
    expect(node.api.registry.chainSS58).toBe(42);
    expect(node.api.registry.chainDecimals).toEqual([9]);
    const constants = node.api.consts;
    expect(constants.balances!.existentialDeposit!.toString()).toBe('500');
    expect(constants.system!.blockHashCount!.toString()).toBe('2400');
  });

  it('serves hashes of the headers it serves', async () => {
    await node.newBlocks(3);
    for (const number of [0, 1, 2, 3]) {
      const hash = await node.api.rpc.chain.getBlockHash(number);
      const header = await node.api.rpc.chain.getHeader(hash);
      expect(header.hash.toHex()).toBe(hash.toHex());
      expect(header.number.toNumber()).toBe(number);
    }
    expect(node.api.genesisHash.toHex()).toBe((await node.api.rpc.chain.getBlockHash(0)).toHex());
  });

  it('reports a transfer as ready, in a block, finalized', async () => {
    const seen: string[] = [];
    const alice = node.pair('Alice');
    await new Promise<void>((resolve, reject) => {
      transfer()
        .signAndSend(alice, { nonce: -1 }, ({ status, events }) => {
          seen.push(status.type);
          if (status.isReady) void node.newBlock();
          if (status.isInBlock) {
            seen.push(...events.map(({ event }) => event.method));
            void node.newBlocks(2);
          }
          if (status.isFinalized) resolve();
        })
        .catch(reject);
    });
    expect(seen).toEqual([
      'Ready',
      'InBlock',
      'NewAccount',
      'Endowed',
      'Transfer',
      'ExtrinsicSuccess',
      'Finalized',
    ]);
  });

  it('reads the state of past blocks, and refuses blocks it does not know', async () => {
    const { address } = node.pair('Dave');
    const before = (await node.api.rpc.chain.getBlockHash()).toHex();
    const send = node.api.tx.balances!.transferKeepAlive!(address, TAO);
    const { blockHash } = await node.land(send, node.pair('Alice'));
    const free = async (hash: string) => {
      const account = await (await node.at(hash)).query.system!.account!(address);
      return (account.toJSON() as { data: { free: number } }).data.free;
    };
    expect(await free(before)).toBe(0);
    expect(await free(blockHash)).toBe(1_000_000_000);
    const unknown = `0x${'11'.repeat(32)}`;
    await expect(node.provider.send('state_getStorage', ['0x1234', unknown])).rejects.toThrow('UnknownBlock');
    expect(await node.provider.send('chain_getBlockHash', [1_000_000])).toBeNull();
    expect(await node.provider.send('chain_getHeader', [unknown])).toBeNull();
    expect(await node.provider.send('state_getStorage', ['0x1234'])).toBeNull();
  });

  it('refuses a bad signature', async () => {
    const signed = await transfer().signAsync(node.pair('Bob'), { nonce: -1 });
    const bytes = signed.toU8a();
    bytes[50] = bytes[50]! ^ 1;
    await expect(
      node.provider.send('author_submitExtrinsic', [`0x${Buffer.from(bytes).toString('hex')}`]),
    ).rejects.toThrow('1010: Invalid Transaction: Transaction has a bad signature');
  });

  it('refuses a nonce that is used up, and the same extrinsic twice', async () => {
    const bob = node.pair('Bob');
    const signed = await transfer().signAsync(bob, { nonce: -1 });
    await node.api.rpc.author.submitExtrinsic(signed);
    await expect(node.api.rpc.author.submitExtrinsic(signed)).rejects.toThrow('1013');
    const rival = await node.api.tx.system!.remark!('0x01').signAsync(bob, { nonce: signed.nonce });
    await expect(node.api.rpc.author.submitExtrinsic(rival)).rejects.toThrow('1014');
    await node.newBlock();
    await expect(node.api.rpc.author.submitExtrinsic(signed)).rejects.toThrow(
      '1010: Invalid Transaction: Transaction is outdated',
    );
  });

  it('keeps a future nonce until the gap closes', async () => {
    const bob = node.pair('Bob');
    const first = (await node.api.rpc.system.accountNextIndex(bob.address)).toNumber();
    const submit = async (nonce: number) =>
      node.api.rpc.author.submitExtrinsic(await transfer().signAsync(bob, { nonce }));
    await submit(first + 1);
    await node.newBlock();
    expect((await node.api.rpc.system.accountNextIndex(bob.address)).toNumber()).toBe(first);
    await submit(first);
    expect((await node.api.rpc.system.accountNextIndex(bob.address)).toNumber()).toBe(first + 2);
    await node.newBlock();
    const account = (await node.api.query.system!.account!(bob.address)).toJSON() as { nonce: number };
    expect(account.nonce).toBe(first + 2);
  });

  it('refuses an era that has passed', async () => {
    const bob = node.pair('Bob');
    const head = await node.api.rpc.chain.getHeader();
    const era = node.api.registry.createType<GenericExtrinsicEra>('ExtrinsicEra', {
      current: head.number.toNumber(),
      period: 4,
    });
    const signed = await transfer().signAsync(bob, { nonce: -1, era, blockHash: head.hash });
    await node.newBlocks(4);
    await expect(node.api.rpc.author.submitExtrinsic(signed)).rejects.toThrow('1010: Invalid Transaction');
  });

  it('refuses calls it does not have, and bytes that are none', async () => {
    const bob = node.pair('Bob');
    const signed = (await node.api.tx.system!.remark!('0x01').signAsync(bob, { nonce: -1 })).toU8a();
    const call = signed.length - 4; // pallet 0, call 0, one byte of remark
    signed[call] = 250;
    const hex = (bytes: Uint8Array) => `0x${Buffer.from(bytes).toString('hex')}`;
    const submit = (bytes: string) => node.provider.send('author_submitExtrinsic', [bytes]);
    await expect(submit(hex(signed))).rejects.toThrow(
      /1001: Extrinsic has invalid format.*no pallet of index 250/,
    );
    await expect(submit('0x')).rejects.toThrow('1001');
    await expect(submit('0x00')).rejects.toThrow('1001');
    await expect(submit('nothing')).rejects.toThrow('-32602');
    await expect(submit(hex(new Uint8Array(LIMITS.extrinsicBytes + 1)))).rejects.toThrow(/1001.*at most/);
    // an inherent from outside: only the author of a block may set the time
    await expect(submit('0x1004020000')).rejects.toThrow(/1010|1001/);
  });

  it('refuses a transfer of what is not there, and takes the nonce all the same', async () => {
    const alice = node.pair('Alice');
    const send = node.api.tx.balances!;
    const before = await node.api.rpc.system.accountNextIndex(alice.address);
    const much = await node.land(send.transferKeepAlive!(node.pair('Eve').address, 10n ** 18n), alice);
    expect(much.error).toBe('Token');
    expect(much.events).toEqual(['system.ExtrinsicFailed']);
    expect((await node.land(send.transferKeepAlive!(node.pair('Eve').address, 1), alice)).error).toBe(
      'Token',
    );
    const after = await node.api.rpc.system.accountNextIndex(alice.address);
    expect(after.toNumber()).toBe(before.toNumber() + 2);
  });

  it('notifies of changed storage and of heads', async () => {
    const nonces: number[] = [];
    const heads: number[] = [];
    const alice = node.pair('Alice');
    const stopStorage = await node.api.query.system!.account!(
      alice.address,
      (account: { toJSON(): unknown }) => {
        nonces.push((account.toJSON() as { nonce: number }).nonce);
      },
    );
    const stopHeads = await node.api.rpc.chain.subscribeNewHeads(
      (head) => void heads.push(head.number.toNumber()),
    );
    const start = heads[0] ?? node.localnet.head().number;
    await node.land(node.api.tx.system!.remark!('0x'), alice);
    await node.newBlock();
    await soon(() => expect(heads.at(-1)).toBe(start + 2));
    await soon(() => expect(nonces).toHaveLength(2));
    expect(nonces[1]).toBe(nonces[0]! + 1);
    (stopStorage as unknown as () => void)();
    stopHeads();
  });

  it('answers malformed JSON, wrong requests and batches, and lives on', async () => {
    const { ask, close } = await rawSocket(node.url);
    expect((await ask('{"jsonrpc":')).error?.code).toBe(-32700);
    expect((await ask('"text"')).error?.code).toBe(-32600);
    expect((await ask('[]')).error?.code).toBe(-32600);
    expect((await ask('{"id":1,"method":7}')).error?.code).toBe(-32600);
    expect((await ask('{"id":1,"method":"constructor","params":[]}')).error?.code).toBe(-32601);
    expect((await ask('{"id":2,"method":"state_getStorage","params":[7]}')).error?.code).toBe(-32602);
    const call = { jsonrpc: '2.0', id: 3, method: 'system_chain', params: [] };
    expect(await ask(JSON.stringify([call, call]))).toEqual([
      { jsonrpc: '2.0', id: 3, result: 'Assay Localnet' },
      { jsonrpc: '2.0', id: 3, result: 'Assay Localnet' },
    ]);
    const batch = Array.from({ length: LIMITS.batchCalls + 1 }, () => call);
    expect((await ask(JSON.stringify(batch))).error?.code).toBe(-32010);
    expect((await ask(JSON.stringify(call))).result).toBe('Assay Localnet');
    close();
  });

  it('closes a connection whose message is too large, and only that one', async () => {
    const { socket } = await rawSocket(node.url);
    const closed = once(socket, 'close');
    socket.send('x'.repeat(LIMITS.payloadBytes + 1));
    await closed;
    expect((await node.api.rpc.system.chain()).toString()).toBe('Assay Localnet');
  });

  it('bounds an answer, and the answers of a batch together', async () => {
    const { ask, close } = await rawSocket(node.url);
    const key = '0x1234';
    // of what is written to, half a response in hex
    (node.localnet.state() as State).putRaw(key, new Uint8Array(LIMITS.responseBytes / 4));
    const read = (method: string, params: unknown[]) => ({ jsonrpc: '2.0', id: 4, method, params });
    const half = read('state_getStorage', [key]);
    expect((await ask(JSON.stringify(half))).result).toHaveLength(2 + LIMITS.responseBytes / 2);
    const twice = read('state_queryStorageAt', [[key, key]]);
    expect(await ask(JSON.stringify(twice))).toMatchObject({
      id: 4,
      error: { code: -32008, message: 'Response is too big', data: 'Exceeded max limit of 15728640' },
    });
    const before = node.localnet.head().number;
    const batch = [half, half, read('dev_newBlock', [])];
    expect(await ask(JSON.stringify(batch))).toMatchObject({
      id: null,
      error: { code: -32011, message: 'The batch response was too large' },
    });
    // what followed was not carried out
    expect(node.localnet.head().number).toBe(before);
    close();
  });

  it('serves no page of another machine, and programs', async () => {
    const ask = async (origin: string): Promise<number> => {
      const socket = new WebSocket(node.url, { origin });
      const answered = new Promise<number>((resolve) => {
        socket.on('open', () => resolve(101));
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode!));
      });
      socket.on('error', () => {});
      const status = await answered;
      socket.terminate();
      return status;
    };
    for (const origin of [
      'https://polkadot.js.org',
      'http://localhost.example.com',
      'http://127.0.0.1.example.com',
      'http://192.168.1.2:3000',
      'null',
      'file://',
    ])
      expect([origin, await ask(origin)]).toEqual([origin, 403]);
    for (const origin of ['http://localhost:3000', 'https://127.0.0.1', 'http://[::1]:8080'])
      expect([origin, await ask(origin)]).toEqual([origin, 101]);
  });

  it('bounds the subscriptions of a connection', async () => {
    const { ask, close } = await rawSocket(node.url);
    const request = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'chain_subscribeFinalizedHeads',
      params: [],
    });
    const batch = `[${Array.from({ length: 255 }, () => request).join()}]`;
    await ask(batch);
    const { socket, ask: askOther, close: closeOther } = await rawSocket(node.url);
    socket.setMaxListeners(0);
    await askOther(batch);
    const messages: Message[] = [];
    socket.on('message', (data) => void messages.push(JSON.parse(String(data)) as Message));
    socket.send(request);
    socket.send(request);
    await soon(() => expect(messages.filter(({ error }) => error)).toHaveLength(1));
    close();
    closeOther();
  });
});
