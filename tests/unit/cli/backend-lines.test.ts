import { describe, expect, test } from 'vitest';
import { backendLines } from '../../../src/cli/backend-lines.js';
import type { FoundDevice, FoundDevices } from '../../../src/compute/find-devices.js';

const device = (id: string, name: string, problem?: string): FoundDevice => ({
  id,
  name,
  memoryBytes: 1e9,
  choice:
    id === 'cpu' ? { device: 'cpu', threads: 0 } : { device: id.startsWith('cuda') ? 'cuda' : 'webgpu' },
  problem,
});
const cpu = device('cpu', '2 x CPU');
const found = (devices: FoundDevice[], absent: FoundDevices['absent'] = []): FoundDevices => ({
  devices: [...devices, cpu],
  absent,
  driver: undefined,
});
const noDriver = { backend: 'cuda', why: 'no driver: install it' } as const;
const h200 = device('cuda:0', 'NVIDIA H200');
const onWebGpu = device('webgpu', 'NVIDIA H200');
const none = { products: undefined };

describe('what doctor says of its backend', () => {
  test('on the CPUs is what a card would be credited for, and how to use one that is here', () => {
    const compute = { name: 'cpu-onnx' };
    expect(backendLines({ compute, card: undefined, found: found([], [noDriver]), ...none })).toEqual([
      'no card is used, so memory is credited nothing and compute what CPUs do: no driver: install it',
    ]);
    expect(backendLines({ compute, card: undefined, found: found([h200]), ...none })).toEqual([
      'not used: cuda:0 (NVIDIA H200); --device cuda:0 proves compute and memory on it',
    ]);
    const broken = found([device('cuda:0', 'NVIDIA H200', 'it is lost')]);
    expect(backendLines({ compute, card: undefined, found: broken, ...none })).toEqual([
      expect.stringMatching(/^no card is used.*: cuda:0: it is lost$/),
    ]);
  });

  test('without the fast runtime is what that costs', () => {
    const lines = backendLines({ compute: { name: 'cpu-wasm' }, card: undefined, found: found([]), ...none });
    expect(lines[0]).toMatch(
      /^products by cpu-wasm, about a tenth .* npm install --ignore-scripts onnxruntime-node@1.30.0$/,
    );
  });

  test('by WebGPU is what it lacks, in shares and classes, and why cuda was not used', () => {
    const supports = { matrixUnits: false, maxSide: 8192 };
    const about = { compute: { name: 'webgpu: NVIDIA H200', supports }, card: onWebGpu };
    const products = { class: 'gpu-4096', share: 0.123 };
    const lines = backendLines({ ...about, found: found([onWebGpu], [noDriver]), products });
    expect(lines).toEqual([
      expect.stringMatching(/no tensor cores.*; here 0\.12 of what counts one in gpu-4096$/),
      expect.stringMatching(/^labels of side 8192 at most, so that these earn nothing on it: .*gpu-16384$/),
      'the faster backend, cuda, is not used: no driver: install it',
    ]);
    expect(backendLines({ ...about, found: found([h200, onWebGpu]), ...none }).at(-1)).toBe(
      'cuda:0 (NVIDIA H200) does better, where it is the same card: --device cuda:0',
    );
  });

  test('by cuda is nothing: all of it is there', () => {
    const supports = { matrixUnits: true, maxSide: 16_384 };
    const about = { compute: { name: 'cuda: NVIDIA H200', supports }, card: h200, found: found([h200]) };
    expect(backendLines({ ...about, ...none })).toEqual([]);
  });
});
