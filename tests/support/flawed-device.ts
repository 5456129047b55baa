// A device for process/isolate.ts whose labels with a seed of zeros kill it at the third label, and with one
// of ones hang there.

import type { Compute } from '../../src/compute/compute.js';
import { createFastLabels } from '../../src/compute/cpu/fast-labels.js';
import { createWasmCompute } from '../../src/compute/cpu/wasm.js';
import type { DeviceAnswer, DeviceRequest } from '../../src/compute/process/messages.js';
import { serveCompute } from '../../src/compute/process/serve.js';

const { openLabels, prepareLabels } = createFastLabels({ engine: 'wasm' });
const compute: Compute = {
  ...createWasmCompute(),
  prepareLabels,
  async openLabels(spec) {
    const labels = await openLabels(spec);
    const [kills, hangs] = [0, 1].map((value) => spec.seed.every((byte) => byte === value));
    if (!kills && !hangs) return labels;
    return Object.assign(Object.create(labels) as typeof labels, {
      async extend(...[upTo, more]: Parameters<typeof labels.extend>) {
        const deaf = () => more() || true; // whoever says stop, and however early: what hangs does not hear it
        await labels.extend(Math.min(3, upTo), deaf, new AbortController().signal);
        if (kills) process.kill(process.pid, 'SIGKILL');
        return new Promise<number>(() => {});
      },
    });
  },
};

const tell = (answer: DeviceAnswer): void => {
  process.send?.(answer);
};
const take = serveCompute(compute, tell);
process.on('message', (request: DeviceRequest) => take(request));
process.on('disconnect', () => process.exit(0));
tell({ ready: { name: compute.name, labels: true } });
