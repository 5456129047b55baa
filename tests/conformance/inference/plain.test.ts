import { describe, test } from 'vitest';
import { createPlainModel } from '../../../src/inference/plain/model.js';
import { languageModelConformance } from '../../../src/testing/conformance/language-model.js';

describe('the plain decoder', () => {
  const cases = languageModelConformance({ create: async (master) => createPlainModel(master) });
  for (const { name, run } of cases) test(name, run);
});
