import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createHttpSource, firstOf } from '../../../../src/inference/checkpoint/http-source.js';
import { publishCheckpoint } from '../../../../src/inference/checkpoint/publish.js';
import { pullCheckpoint } from '../../../../src/inference/checkpoint/pull.js';
import { openStore, type Source } from '../../../../src/inference/checkpoint/store.js';
import { encodeMaster, openMaster, seededMaster } from '../../../../src/inference/master.js';
import { memorySource } from '../../../../src/inference/safetensors.js';
import { MINIATURE } from '../../../../src/inference/tiny.js';
import { devKeypair, readyKeys } from '../../../../src/keys/keypair.js';
import { fromHex } from '../../../../src/model/bytes.js';
import { createMemoryDisk } from '../../../support/memory-disk.js';

const never = new AbortController().signal;
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Answers with what `bodyOf` says of a path: bytes, a status, or nothing ever. */
async function serving(
  bodyOf: (path: string) => Promise<Uint8Array | number | undefined>,
): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    void bodyOf(request.url!).then((body) => {
      if (body === undefined) return;
      if (typeof body === 'number') response.writeHead(body).end('x'.repeat(100));
      else response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

it('a checkpoint and the deltas to the next are pulled from a web server over the trainer’s folder', async () => {
  await readyKeys();
  const trainer = openStore(createMemoryDisk(), '/trainer');
  const publish = async (master: Uint8Array, window: number) =>
    (
      await publishCheckpoint(
        { store: trainer, keypair: devKeypair('trainer') },
        { master: memorySource(master), modelId: 'm', step: window + 1, window },
        never,
      )
    ).checkpoint.digest;
  const master = seededMaster(MINIATURE, 'a');
  const digests = [await publish(master, 0)];
  const { weights } = openMaster(MINIATURE, master);
  const moved = new Map(
    [...weights].map(([name, values]) => [name, values.map((v, i) => (i % 50 ? v : v * 1.01))]),
  );
  digests.push(await publish(encodeMaster(MINIATURE, moved), 1));

  const { url, asked } = await serving(async (path) => {
    const [, digest] = /^\/checkpoints\/objects\/([0-9a-f]{64})$/.exec(path) ?? [];
    const pieces = digest && (await trainer.get(fromHex(digest), never));
    if (!pieces) return 404;
    const all: Uint8Array[] = [];
    for await (const piece of pieces) all.push(Uint8Array.from(piece));
    return Buffer.concat(all);
  });
  const store = openStore(createMemoryDisk(), '/miner');
  const source = createHttpSource(`${url}/checkpoints/`);
  const pulled = [];
  for (const digest of digests)
    pulled.push((await pullCheckpoint({ store, source }, { digest }, never)).steps);
  expect(pulled.map(([first]) => first?.kind)).toEqual(['whole', 'delta']);
  // two manifests, one whole file, one delta: nothing twice
  expect(asked.length).toBe(4);
  await expect(
    pullCheckpoint({ store, source }, { digest: new Uint8Array(32) }, never),
  ).rejects.toMatchObject({ code: 'unreachable' });
});

it('what a server does wrong is said, and another place is asked', async () => {
  const digest = new Uint8Array(32).fill(1);
  const broken = await serving(async () => 500);
  const silent = await serving(async () => undefined);
  const gone = await serving(async () => 410);
  const good: Source = { get: async () => [new Uint8Array(3)] as unknown as AsyncIterable<Uint8Array> };
  await expect(createHttpSource(broken.url).get(digest, never)).rejects.toThrow('answered with status 500');
  await expect(createHttpSource(silent.url, { silentMs: 50 }).get(digest, never)).rejects.toThrow(
    'silent for 50 ms',
  );
  expect(await createHttpSource(gone.url).get(digest, never)).toBeUndefined();
  const all = [createHttpSource(gone.url), createHttpSource(broken.url), good];
  expect(await firstOf(all).get(digest, never)).toEqual([new Uint8Array(3)]);
  await expect(firstOf(all.slice(0, 2)).get(digest, never)).rejects.toThrow('status 500');
  expect(await firstOf([createHttpSource(gone.url)]).get(digest, never)).toBeUndefined();
  const stop = new AbortController();
  const asking = createHttpSource(silent.url).get(digest, stop.signal);
  stop.abort(new Error('enough'));
  await expect(asking).rejects.toThrow('enough');
});
