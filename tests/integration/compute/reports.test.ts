// onnxruntime reports to its maker unless it is told not to, and leaves files in the folder for temporary ones when it does: what a
// program of others that uses the library leaves there.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { noOnnx } from '../../support/onnx.js';

const SRC = new URL('../../../src/', import.meta.url).href;
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** What a process leaves that runs this. */
async function leftBy(program: string): Promise<{ readonly said: string; readonly left: readonly string[] }> {
  const scratch = mkdtempSync(join(tmpdir(), 'assay-reports-'));
  folders.push(scratch);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', program],
    {
      env: {
        ...process.env,
        TMPDIR: scratch,
        TSX_DISABLE_CACHE: '1', // tsx's own would lie there
        ORT_DISABLE_TELEMETRY: undefined,
      },
      timeout: 60_000,
    },
  );
  return { said: stdout.trim(), left: readdirSync(scratch).filter((name) => !name.startsWith('tsx-')) };
}

test.skipIf(noOnnx).each([
  [
    'the CPU',
    `import { openCpu } from '${SRC}compute/probe.ts';
    import { silentLog as log } from '${SRC}model/log.ts';
    console.log((await openCpu({ log, threads: 1 })).name);`,
    'cpu-onnx',
  ],
  [
    'a model, which has a thread of its own',
    `import { createOnnxModel } from '${SRC}inference/onnx/model.ts';
    import { openMaster, seededMaster } from '${SRC}inference/master.ts';
    import { MINIATURE } from '${SRC}inference/tiny.ts';
    const model = await createOnnxModel(openMaster(MINIATURE, seededMaster(MINIATURE, '1')), { threads: 1 });
    console.log(model.profile.engine);
    await model.close();`,
    'onnxruntime-node',
  ],
])(
  'a program that opens %s leaves no files of reports',
  async (_what, program, says) => {
    expect(await leftBy(program)).toEqual({ said: says, left: [] });
  },
  60_000,
);
