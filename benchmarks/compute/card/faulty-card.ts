// A device's process whose card writes where nothing is, in the middle of labels: once, as long as the file that FAKE_FAULT names
// is there. Beside that it is src/compute/process/device-process.ts.
import { unlinkSync } from 'node:fs';
import type { Compute } from '../../../src/compute/compute.js';
import { openCardGpu } from '../../../src/compute/cuda/open.js';
import { createGpuCompute } from '../../../src/compute/gpu/compute.js';
import type { DeviceChoice } from '../../../src/compute/process/device-process.js';
import type { DeviceAnswer, DeviceRequest } from '../../../src/compute/process/messages.js';
import { serveCompute, told } from '../../../src/compute/process/serve.js';
import { silentLog } from '../../../src/model/log.js';

const OUTSIDE = `.version 7.8
.target sm_75
.address_size 64
.visible .entry outside()
{
	.reg .b64 %at;
	.reg .b32 %word;
	mov.u64 %at, 16;
	mov.u32 %word, 1;
	st.global.u32 [%at], %word;
	ret;
}
`;
const FAULT_AFTER = 2;

const tell = (answer: DeviceAnswer): void => {
  process.send?.(answer, undefined, undefined, () => undefined);
};
const endAfter = (answer: DeviceAnswer): void => {
  process.send?.(answer, undefined, undefined, () => process.exit(1));
};

try {
  const choice = JSON.parse(process.argv[2]) as Extract<DeviceChoice, { device: 'cuda' }>;
  if (choice.uuid !== undefined) process.env.CUDA_VISIBLE_DEVICES = choice.uuid;
  const compute = await openFaulty();
  void compute.lost?.then(({ message }) => endAfter({ lost: message }));
  const take = serveCompute(compute, tell);
  process.on('message', (request: DeviceRequest) => take(request));
  process.on('disconnect', () => process.exit(0));
  tell({ ready: { name: compute.name, labels: true } });
} catch (error) {
  endAfter({ refused: told(error) });
}

async function openFaulty(): Promise<Compute> {
  const { gpu, context } = await openCardGpu({ log: silentLog });
  const compute = createGpuCompute(gpu);
  return {
    ...compute,
    async openLabels(spec) {
      const labels = await compute.openLabels!(spec); // a graphics processor has them
      return {
        ...labels,
        get count() {
          return labels.count;
        },
        async extend(upTo, more, signal) {
          await labels.extend(Math.min(upTo, FAULT_AFTER), more, signal);
          if (faultIsDue()) {
            const launch = { grid: [1, 1, 1], block: [1, 1, 1], sharedBytes: 0, args: [] } as const;
            context.launch(context.load(OUTSIDE)('outside'), launch);
          }
          return labels.extend(upTo, more, signal);
        },
      };
    },
  };
}

function faultIsDue(): boolean {
  try {
    unlinkSync(process.env.FAKE_FAULT ?? '');
    return true;
  } catch {
    return false; // it was, and the process that had it is gone
  }
}
