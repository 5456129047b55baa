// A device for process/isolate.ts that is not there (adapter `absent`), or whose first product loses it; that of adapter `hung` cannot end then.
import { createPackedCompute } from '../../src/compute/cpu/packed.js';
import type { DeviceChoice } from '../../src/compute/process/device-process.js';
import type { DeviceAnswer, DeviceRequest } from '../../src/compute/process/messages.js';
import { serveCompute, told } from '../../src/compute/process/serve.js';
import { AssayError } from '../../src/model/errors.js';

const choice = JSON.parse(process.argv[2]!) as DeviceChoice;
const endAfter = (answer: DeviceAnswer): void => {
  const hangs = choice.device === 'webgpu' && choice.adapter === 'hung';
  process.send?.(answer, undefined, undefined, () => hangs || process.exit(1));
};
const take = serveCompute(createPackedCompute(), (answer) => process.send?.(answer));
process.on('disconnect', () => process.exit(0));
if (choice.device === 'webgpu' && choice.adapter === 'absent') {
  const why = 'the webgpu adapter is absent';
  endAfter({ refused: told(new AssayError('unsupported', why, { what: 'webgpu', why })) });
} else {
  process.on('message', (request: DeviceRequest) => {
    if ('do' in request && request.do === 'multiply')
      endAfter({ lost: 'webgpu: a card: the device was lost' });
    else take(request);
  });
  process.send?.({ ready: { name: 'a card', labels: false } } satisfies DeviceAnswer);
}
