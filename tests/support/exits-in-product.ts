// Ends its process while lanes are inside the runtime: tests that this is an exit and no abort.
import { createFastLabels } from '../../src/compute/cpu/fast-labels.js';

const device = createFastLabels({ engine: 'onnx', threads: 2, threadedRows: 512 });
const labels = await device.openLabels({
  basis: new Uint8Array(32),
  seed: new Uint8Array(32),
  n: 1024,
  capacity: 400,
});
let asked = 0;
const exitAtThird = (): boolean => {
  if (++asked === 3) process.exit(3);
  return true;
};
await labels.extend(400, exitAtThird, new AbortController().signal);
