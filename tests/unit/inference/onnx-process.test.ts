import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { noOnnx } from '../../support/onnx.js';

/** A process with a model and nothing else that keeps it alive; rejects when it does not end by itself with 0. */
async function run(end: string): Promise<string> {
  const at = (path: string) =>
    JSON.stringify(new URL(`../../../src/inference/${path}`, import.meta.url).href);
  const code = `
    import { createOnnxModel } from ${at('onnx/model.ts')};
    import { openMaster, seededMaster } from ${at('master.ts')};
    import { MINIATURE } from ${at('tiny.ts')};
    const model = await createOnnxModel(openMaster(MINIATURE, seededMaster(MINIATURE, '1')), { threads: 1 });
    const decoding = await model.open([Uint32Array.of(257)], 4, new AbortController().signal);
    ${end}
    console.log('end');`;
  const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 55_000 });
  return stdout.trim();
}

describe.skipIf(noOnnx)('a process with a model', () => {
  test('waits until the model is closed', async () => {
    expect(await run('await model.close();')).toBe('end');
  });
  test('ends while a model is open that has nothing to do', async () => {
    expect(await run('')).toBe('end');
  });
});
