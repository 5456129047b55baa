import { describe, test } from 'vitest';
import { createOnnxModel } from '../../../src/inference/onnx/model.js';
import { languageModelConformance } from '../../../src/testing/conformance/language-model.js';
import { noOnnx } from '../../support/onnx.js';

describe.skipIf(noOnnx)('a model on onnxruntime-node', () => {
  const create = (master: Parameters<typeof createOnnxModel>[0]) => createOnnxModel(master, { threads: 1 });
  for (const { name, run } of languageModelConformance({ create })) test(name, run);
});
