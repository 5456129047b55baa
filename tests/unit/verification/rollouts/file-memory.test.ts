import { inflateSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { sha256 } from '../../../../src/model/hash.js';
import { decodeFile, encodeFile } from '../../../../src/verification/rollouts/file.js';

vi.mock('node:zlib', async (original) => {
  const zlib = await original<typeof import('node:zlib')>();
  return { ...zlib, inflateSync: vi.fn(zlib.inflateSync) };
});

describe('a file that is read while memory is short', () => {
  const rollout = { group: 0, index: 0, stop: 'eos', tokens: Uint32Array.of(65, 256) } as const;
  const bytes = encodeFile([rollout]);
  const read = () =>
    decodeFile(bytes, {
      rollouts: 1,
      tokens: 2,
      fileBytes: bytes.length,
      fileSha256: sha256(bytes),
      maxTokens: 9,
    });

  it.each([
    ['an array', new RangeError('Array buffer allocation failed')],
    ['zlib', Object.assign(new Error('insufficient memory'), { code: 'Z_MEM_ERROR' })],
  ])('is not refused for what %s could not have: that is no reason of the miner’s', (_, failure) => {
    expect(read().kind).toBe('ok');
    vi.mocked(inflateSync).mockImplementationOnce(() => {
      throw failure;
    });
    expect(read).toThrow(failure);
  });
});
