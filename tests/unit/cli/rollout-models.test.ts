// Models of checkpoints that come, fail to come, are let go, and whose files are removed.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRolloutModels } from '../../../src/cli/rollout-models.js';
import { nodeDisk } from '../../../src/inference/checkpoint/disk.js';
import { publishCheckpoint } from '../../../src/inference/checkpoint/publish.js';
import { type CheckpointStore, openStore, type Source } from '../../../src/inference/checkpoint/store.js';
import { seededMaster } from '../../../src/inference/master.js';
import { memorySource } from '../../../src/inference/safetensors.js';
import { MINIATURE } from '../../../src/inference/tiny.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { silentLog } from '../../../src/model/log.js';

const never = new AbortController().signal;
const subnet = { engine: 'plain', config: MINIATURE } as const;
let folder = '';
let source: CheckpointStore;
let digests: Uint8Array[] = [];
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  await readyKeys();
  folder = await mkdtemp(join(tmpdir(), 'assay-models-'));
  source = openStore(nodeDisk, at('trainer'));
  for (let window = 0; window < 4; window++) {
    const master = memorySource(seededMaster(MINIATURE, `${window}`));
    const input = { master, modelId: 'm', step: window + 1, window };
    const { checkpoint } = await publishCheckpoint(
      { store: source, keypair: devKeypair('trainer') },
      input,
      never,
    );
    digests = [...digests, checkpoint.digest];
  }
});
afterAll(() => rm(folder, { recursive: true }));

const modelsIn = (name: string, from?: Source) =>
  createRolloutModels({ log: silentLog }, { subnet, folder: at(name), from });
const prompt = [Uint32Array.of(1, 2, 3)];

test('who waits for a model that another stopped asking for has it all the same, and once', async () => {
  const gate = new AbortController();
  let pulls = 0;
  let begin: () => void = () => {};
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const models = modelsIn('waits', {
    async get(digest, signal) {
      if (pulls++ > 0) return source.get(digest, signal);
      begin();
      // as long as whoever asked first
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  });
  const first = models.modelOf(digests[0]!, gate.signal);
  await begun;
  const others = [models.modelOf(digests[0]!, never), models.modelOf(digests[0]!, never)];
  gate.abort();
  await expect(first).rejects.toThrow(/abort/i);
  const [one, two] = await Promise.all(others);
  expect(one).toBe(two);
  expect(await models.modelOf(digests[0]!, never)).toBe(one);
  await models.close();
});

test('a model in use is not closed under who uses it, and is closed after that', async () => {
  const models = modelsIn('uses', source);
  const used = await models.modelOf(digests[0]!, never);
  const hidden = await used.prefill(prompt, never);
  for (const digest of digests.slice(1)) await models.modelOf(digest, never);
  const { logits } = await hidden.head([{ sequence: 0, position: 2 }], 4, never);
  expect(logits.every(Number.isFinite)).toBe(true);
  await expect(used.prefill(prompt, never)).rejects.toThrow('closed');
  hidden.release();
  expect(await models.modelOf(digests[0]!, never)).not.toBe(used);
  await models.close();
});

test('checkpoints go that neither a kept window nor an open model needs', async () => {
  const models = modelsIn('keeps', source);
  for (const digest of digests) await models.modelOf(digest, never);
  const store = openStore(nodeDisk, at('keeps'));
  const isHere = async () =>
    Promise.all(
      digests.map(async (digest) => {
        const found = await store.checkpoint(digest);
        return found !== undefined && (await store.has(found.manifest.master.sha256));
      }),
    );
  expect(await isHere()).toEqual([true, true, true, true]);
  // one of a window whose checkpoint was never had is no reason to keep, or to fail
  await models.keepOnly([digests[1]!, new Uint8Array(32)]);
  expect(await isHere()).toEqual([false, true, true, true]);
  await models.close();
  const later = modelsIn('keeps', source);
  await later.keepOnly([digests[1]!]);
  expect(await isHere()).toEqual([false, true, false, false]);
  // nothing that is asked for is here: the next delta may need what is
  await later.keepOnly([new Uint8Array(32)]);
  await later.keepOnly([]);
  expect(await isHere()).toEqual([false, true, false, false]);
  // what is here is enough for who only reads, and what is not is said
  const reader = modelsIn('keeps');
  await (await reader.modelOf(digests[1]!, never)).close();
  await expect(reader.modelOf(digests[0]!, never)).rejects.toMatchObject({ code: 'unreachable' });
});
