import { expect, test } from 'vitest';
import { suggestedClass } from '../../../src/verification/catalogue.js';
import { DEVICES } from '../../../src/verification/classes.js';

const GiB = 2 ** 30;

test.each([
  ['NVIDIA H200', 139.8 * GiB, 'h200'],
  ['NVIDIA H100 80GB HBM3', 79.6 * GiB, 'h100-sxm'],
  ['NVIDIA H100 PCIe', 79.6 * GiB, 'h100-pcie'],
  ['NVIDIA A100-SXM4-80GB', 79.2 * GiB, 'a100-80'],
  ['NVIDIA A100 80GB PCIe', 79.2 * GiB, 'a100-80'],
  ['NVIDIA L40S', 44.7 * GiB, 'l40s'],
  ['NVIDIA GeForce RTX 5090', 31.8 * GiB, 'rtx-5090'],
  ['NVIDIA GeForce RTX 4090', 23.6 * GiB, 'rtx-4090'],
  ['NVIDIA GeForce RTX 3090', 24 * GiB, 'rtx-3090'],
  ['NVIDIA B200', 178 * GiB * 0.98, 'b200'],
])('%s suggests its class', (name, memoryBytes, expected) => {
  expect(suggestedClass(name, memoryBytes)).toBe(expected);
});

test.each([
  ['NVIDIA A100-SXM4-40GB', 39.4 * GiB],
  ['NVIDIA H100 NVL', 93.6 * GiB],
  ['NVIDIA GeForce RTX 4090 Laptop GPU', 16 * GiB],
  ['NVIDIA GeForce RTX 4090 D', 23.6 * GiB],
  ['NVIDIA GeForce GTX 1080', 8 * GiB],
  ['NVIDIA H200, slice 0', 17 * GiB],
  ['Something H200', undefined],
])('%s suggests none', (name, memoryBytes) => {
  expect(suggestedClass(name, memoryBytes)).toBeUndefined();
});

test('every class of a card has a name that suggests it', () => {
  for (const device of DEVICES) {
    const words = device.class.toUpperCase().replace('-', ' ').replace('A100 80', 'A100');
    expect(suggestedClass(words.replace(/PCIE/, 'PCIe'), device.memoryBytes)).toBe(device.class);
  }
});
