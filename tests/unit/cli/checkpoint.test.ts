import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { diff } from '../../../src/cli/commands/checkpoint/diff.js';
import { publish } from '../../../src/cli/commands/checkpoint/publish.js';
import { pull } from '../../../src/cli/commands/checkpoint/pull.js';
import { verify } from '../../../src/cli/commands/checkpoint/verify.js';
import { nodeDisk } from '../../../src/inference/checkpoint/disk.js';
import { signHead } from '../../../src/inference/checkpoint/head.js';
import { openStore } from '../../../src/inference/checkpoint/store.js';
import { encodeSafetensors } from '../../../src/inference/safetensors.js';
import { keypairFromUri, readyKeys, toAddress } from '../../../src/keys/index.js';

const never = new AbortController().signal;
let folder = '';
let printed = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-checkpoint-'));
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const at = (name: string): string => join(folder, name);

/** What a command printed as JSON, and how it ended. */
async function json<T>(work: Promise<number>): Promise<{ code: number; said: T }> {
  printed = '';
  const code = await work;
  return { code, said: JSON.parse(printed) as T };
}

async function master(step: number): Promise<string> {
  const words = Uint16Array.from({ length: 4000 }, (_, i) => 0x3c00 + (i % (100 + step) === 0 ? step : 0));
  const file = at(`${step}.safetensors`);
  const tensor = { name: 'w', dtype: 'BF16', shape: [40, 100], data: new Uint8Array(words.buffer) } as const;
  await writeFile(file, encodeSafetensors([tensor]));
  return file;
}

const published = async (step: number, store = 'trainer', window = step) =>
  publish(
    await master(step),
    { store: at(store), model: 'tiny', step, window, hotkey: '//Trainer', json: true },
    never,
  );

describe('assay checkpoint', () => {
  it('publishes, pulls and verifies: the master is the file that was published', async () => {
    for (const step of [0, 1, 2]) expect(await published(step)).toBe(0);
    const flags = { from: at('trainer'), store: at('miner'), json: true };
    const first = await json<{ steps: { kind: string }[] }>(pull({ ...flags, window: 1 }, never));
    expect(first.said.steps.map(({ kind }) => kind)).toEqual(['whole', 'delta']);
    const second = await json<{ master: string; steps: { kind: string }[] }>(pull(flags, never));
    expect(second.said.steps.map(({ kind }) => kind)).toEqual(['delta']);
    expect(await readFile(second.said.master)).toEqual(await readFile(at('2.safetensors')));
    for (const store of ['trainer', 'miner']) {
      const { code, said } = await json<{ isValid: boolean }>(
        verify({ store: at(store), json: true }, never),
      );
      expect([code, said.isValid]).toEqual([0, true]);
    }
  });

  it('exits 1 where a byte of a store changed', async () => {
    await published(0);
    await published(1);
    for (const name of await readdir(at('trainer/objects'))) {
      const file = at(`trainer/objects/${name}`);
      const bytes = await readFile(file);
      const changed = Buffer.from(bytes);
      changed[bytes.length >> 1]! ^= 1;
      await writeFile(file, changed);
      const { code } = await json(verify({ store: at('trainer'), json: true }, never));
      expect(code, name).toBe(1);
      await writeFile(file, bytes);
    }
    expect(await verify({ store: at('trainer') }, never)).toBe(0);
  });

  it('exits 1 where a trainer signed two checkpoints for one window', async () => {
    await published(0);
    await published(1, 'other', 0);
    const store = at('miner');
    expect(await pull({ from: at('trainer'), store, json: true }, never)).toBe(0);
    const { code, said } = await json<{ conflict: string[] }>(
      pull({ from: at('other'), store, json: true }, never),
    );
    expect(code).toBe(1);
    expect(said.conflict).toHaveLength(2);
  });

  it('keeps what was asked for, be it of a window before those that it has', async () => {
    for (const step of [0, 1, 2, 3]) await published(step);
    const flags = { from: at('trainer'), store: at('miner'), json: true };
    for (const window of [2, 3, 0]) {
      const { code, said } = await json<{ master: string }>(pull({ ...flags, window }, never));
      expect(code).toBe(0);
      expect(await readFile(said.master)).toEqual(await readFile(at(`${window}.safetensors`)));
    }
    const { said } = await json<{ master: string }>(pull({ ...flags, window: 3 }, never));
    expect(await readFile(said.master)).toEqual(await readFile(at('3.safetensors')));
  });

  it('takes no head of another key that names a checkpoint of the trainer', async () => {
    await published(0);
    await readyKeys();
    const store = openStore(nodeDisk, at('trainer'));
    const { digest, trainer } = (await store.newest())!;
    await cp(at('trainer'), at('mirror'), { recursive: true });
    await rm(at('mirror/heads'), { recursive: true });
    const forged = signHead({ modelId: 'tiny', window: 9, digest }, keypairFromUri('//Mirror'));
    await openStore(nodeDisk, at('mirror')).putHead(forged);
    const flags = { store: at('miner'), trainer: toAddress(trainer), json: true };
    await expect(pull({ ...flags, from: at('mirror') }, never)).rejects.toMatchObject({
      code: 'unauthenticated',
    });
    expect(await pull({ ...flags, from: at('trainer') }, never)).toBe(0);
  });

  it('asks a head for its signer where a trainer is named, and names the flag of what is no address', async () => {
    await published(0);
    await readyKeys();
    const flags = { store: at('trainer'), json: true };
    const store = openStore(nodeDisk, at('trainer'));
    const { digest, trainer } = (await store.newest())!;
    const named = { ...flags, trainer: toAddress(trainer) };
    expect(await verify(named, never)).toBe(0);
    await rm(at('trainer/heads'), { recursive: true });
    await openStore(nodeDisk, at('trainer')).putHead(
      signHead({ modelId: 'tiny', window: 9, digest }, keypairFromUri('//Mirror')),
    );
    await expect(verify(named, never)).rejects.toMatchObject({ code: 'unauthenticated' });
    const wrong = /--trainer: expected an address, got "zz"/;
    await expect(verify({ ...flags, trainer: 'zz' }, never)).rejects.toThrow(wrong);
    await expect(pull({ ...flags, from: at('trainer'), trainer: 'zz' }, never)).rejects.toThrow(wrong);
  });

  it('goes on from the window before where the newest head of either store is rotten, and says so', async () => {
    for (const step of [0, 1]) await published(step);
    await cp(at('trainer'), at('copy'), { recursive: true });
    const rot = (store: string) => writeFile(at(`${store}/heads/0000000000000001`), 'rotten');
    const flags = { store: at('miner'), json: true };
    expect(await pull({ ...flags, from: at('trainer'), window: 0 }, never)).toBe(0);
    expect(await pull({ ...flags, from: at('trainer') }, never)).toBe(0);
    await rot('miner');
    expect(await pull({ ...flags, from: at('copy') }, never)).toBe(0);
    expect((await readFile(at('miner/heads/0000000000000001'))).length).toBeGreaterThan(64);
    await rot('trainer');
    expect(await pull({ ...flags, from: at('trainer'), store: at('new') }, never)).toBe(0);
    expect(await readdir(at('new/heads'))).toEqual(['0000000000000000']);
    expect(process.stderr.write).toHaveBeenCalledWith(expect.stringMatching(/^warning: .*heads/));
  });

  it('refuses other trainers, second checkpoints of a window, stores that are none', async () => {
    await published(0);
    await expect(published(1, 'trainer', 0)).rejects.toThrow(/window/);
    const trainer = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
    await expect(pull({ from: at('trainer'), store: at('miner'), trainer }, never)).rejects.toMatchObject({
      code: 'unauthenticated',
    });
    await expect(pull({ from: at('none'), store: at('miner') }, never)).rejects.toThrow(
      /a store with a checkpoint/,
    );
    await expect(readdir(at('none'))).rejects.toThrow(/ENOENT/);
    await expect(verify({ store: at('trainer'), digest: '12' }, never)).rejects.toThrow(/64 digits/);
  });

  it('says how two files differ', async () => {
    const { code, said } = await json<{ changed: number; steps: number[][]; bytes: Record<string, number> }>(
      diff(await master(0), await master(1), { json: true }, never),
    );
    expect(code).toBe(0);
    expect(said.changed).toBe(40);
    expect(said.steps).toEqual([[1, 40]]);
    expect(said.bytes).toMatchObject({ pairs: 240 });
    expect(said.bytes['delta']).toBeLessThan(said.bytes['pairs']!);
    await writeFile(at('other'), encodeSafetensors([]));
    await expect(diff(at('0.safetensors'), at('other'), {}, never)).rejects.toThrow(/the tensors of/);
  });
});
