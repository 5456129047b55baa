// Owns: one kernel on a device of Dawn's, in a process of its own: its name is the argument, and what differs from the plain
// one is printed. Does not own: which kernels are tried (tests/integration/compute/dawn.test.ts).
import type { GpuCalls } from '../../src/compute/gpu/gpu.js';
import { createPlainGpu } from '../../src/compute/gpu/plain.js';
import { openAdapter } from '../../src/compute/webgpu/adapter.js';
import { loadDawn, openDawn } from '../../src/compute/webgpu/dawn.js';
import { createWebGpu } from '../../src/compute/webgpu/gpu.js';
import { toHex } from '../../src/model/bytes.js';
import { casesOf, DAWN_SIDES, runCase } from './gpu-cases.js';

const kernel = process.argv[2] as keyof GpuCalls;
const door = await openDawn(await loadDawn());
const { device, name, packed } = await openAdapter(door, { allowSoftware: true });
const gpu = await createWebGpu(device, { name, packed, kernels: [kernel] });
let same = 0;
for (const one of casesOf(kernel, DAWN_SIDES)) {
  const [got, expected] = [await runCase(gpu, one), await runCase(createPlainGpu(), one)];
  if (toHex(got) === toHex(expected)) same++;
  else console.log(`differs: ${one.name}`);
}
console.log(`${same} the same on ${name}`);
// Dawn ends with its door, and a device that is torn down while it works may take the process with it
process.exit(0);
