// Whether onnxruntime-node, an optional dependency, is here; tests that need it say in their names why they are skipped.
import { loadRuntime } from '../../src/inference/onnx/runtime.js';

const why = await loadRuntime().then(
  () => '',
  () => 'onnxruntime-node is not installed',
);
if (why) console.warn(`skipped: ${why}`);

/** Empty where it is. */
export const noOnnx = why;
