// Owns: the other end of prover-products.ts: the product of one lane's rows, strip by strip, on a thread of its own.
import { parentPort, workerData } from 'node:worker_threads';
import { loadOnnx } from '../../src/compute/cpu/onnx.js';
import { createOnnxProduct } from '../../src/compute/cpu/product.js';
import { operandMatrix } from '../../src/compute/spec/chain.js';
import { createMemory } from '../../src/compute/wasm/instance.js';

/** As many rows at once as a lane multiplies (src/compute/cpu/lane.ts). */
const ROWS = 256;

const { basis, n, rows } = workerData as { basis: Uint8Array; n: number; rows: number };
const onnx = await loadOnnx();
if (!onnx) throw new Error('onnxruntime-node is not installed');
const strip = Math.min(ROWS, rows);
const memory = createMemory(5 * strip * n);
new Uint8Array(memory.buffer, 0, strip * n).forEach((_, i, a) => {
  a[i] = Math.imul(i, 0x9e37_79b1) >>> 24;
});
const at = { memory, aAt: 0, cAt: strip * n, bAt: 0 };
const product = await createOnnxProduct(onnx, operandMatrix(basis, n), n, at);
parentPort?.postMessage('ready');
parentPort?.on('message', async () => {
  for (let row = 0; row < rows; row += strip) await product.multiply(strip);
  parentPort?.postMessage('done');
});
