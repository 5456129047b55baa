// Owns: what an adapter's dot products reach with nothing else in their way: the measure of our product. Does not own: what the
// product reaches (../gpu/measure.ts).
import type { Clock } from '../../model/clock.js';
import { type Device, FOR_COMPUTE, FOR_READING, USAGE } from './api.js';

const ACCUMULATORS = 16;
const REPEATS = 8;
const GROUPS = 1024;
const LANES = 256;
/** A batch takes about so long: beginning and end do not show. */
const BATCH_MS = 100;

/** Each sum is the next one's operand: nothing can be left out, and nothing has to be fetched. */
const PEAK = `
@group(0) @binding(0) var<storage, read> b: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<i32>;

@compute @workgroup_size(${LANES})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let rounds = b[0];
${Array.from({ length: 4 }, (_, i) => `  let b${i} = b[${i + 1}u] + id.x;`).join('\n')}
${Array.from({ length: ACCUMULATORS }, (_, i) => `  var c${i} = i32(id.x * ${2 * i + 1}u);`).join('\n')}
  for (var round = 0u; round < rounds; round++) {
${Array.from({ length: REPEATS * ACCUMULATORS }, (_, i) => {
  const at = i % ACCUMULATORS;
  return `    c${at} += dot4I8Packed(bitcast<u32>(c${(at + 1) % ACCUMULATORS}), b${i % 4});`;
}).join('\n')}
  }
  sums[id.x] = ${Array.from({ length: ACCUMULATORS }, (_, i) => `c${i}`).join(' ^ ')};
}
`;

/** Operations of int8 dot products a second; a multiply and an add are two. The device must have the packed dot product. */
export async function peakProductOps(device: Device, clock: Pick<Clock, 'monotonic'>): Promise<number> {
  const layout = device.createBindGroupLayout({
    entries: [
      { binding: 0, visibility: FOR_COMPUTE, buffer: { type: 'read-only-storage' } },
      { binding: 1, visibility: FOR_COMPUTE, buffer: { type: 'storage' } },
    ],
  });
  const pipeline = await device.createComputePipelineAsync({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module: device.createShaderModule({ code: PEAK }), entryPoint: 'main' },
  });
  const operands = device.createBuffer({ size: 32, usage: USAGE.storage | USAGE.copyTarget });
  const sums = device.createBuffer({ size: 4 * GROUPS * LANES, usage: USAGE.storage | USAGE.copySource });
  const seen = device.createBuffer({ size: 4, usage: USAGE.mapRead | USAGE.copyTarget });
  const group = device.createBindGroup({
    layout,
    entries: [operands, sums].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const timed = async (rounds: number): Promise<number> => {
    const numbers = Uint32Array.of(rounds, 0x3f01c0ff, 0xc13f4002, 0x017fff40, 0x20e01181, 0, 0, 0);
    device.queue.writeBuffer(operands, 0, new Uint8Array(numbers.buffer));
    const from = clock.monotonic();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group, []);
    pass.dispatchWorkgroups(GROUPS, 1);
    pass.end();
    encoder.copyBufferToBuffer(sums, 0, seen, 0, 4);
    device.queue.submit([encoder.finish()]);
    await seen.mapAsync(FOR_READING, 0, 4);
    seen.unmap();
    return clock.monotonic() - from;
  };
  try {
    await timed(1);
    let rounds = 1;
    while ((await timed(rounds)) < BATCH_MS / 4) rounds *= 2;
    rounds *= 4;
    const times: number[] = [];
    for (let i = 0; i < 5; i++) times.push(await timed(rounds));
    const ms = times.sort((a, b) => a - b)[2];
    return (GROUPS * LANES * rounds * REPEATS * ACCUMULATORS * 8 * 1000) / ms;
  } finally {
    for (const buffer of [operands, sums, seen]) buffer.destroy();
  }
}
