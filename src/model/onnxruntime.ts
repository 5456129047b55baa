// Owns: loading onnxruntime-node, its reports to its maker turned off. Does not own: what is used of it, and what there is without it
// (compute/cpu/onnx.ts, inference/onnx/runtime.ts).

/**
 * The package sends its maker what it is used for, and leaves files in the folder for temporary ones, unless told not to; nobody asked
 * whoever runs it. It asks the process itself: a thread has a copy of the environment, so what is set there says nothing to it, and
 * whoever starts a thread that loads the package says it before.
 */
export function withoutReports(): void {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
}

/**
 * @returns the package; callers say in words of their own what they use of it, so that our types stand without it
 * @throws whatever Node.js does where the optional package is absent, or built for another system
 */
export async function importOnnxruntime(): Promise<unknown> {
  withoutReports();
  return import('onnxruntime-node');
}
