// The kit as it arrives: in a folder of its own, with an empty environment, on a machine without a card and on one whose card is
// the tests' own.
import { spawn } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildLibrary, compiler } from '../../support/cuda/build.js';

const linux = process.platform === 'linux';
if (!linux) console.warn('skipped: kits are made on Linux');
else if (!compiler) console.warn('skipped: no C compiler here to make the driver of the tests with');

const scratch = mkdtempSync(join(tmpdir(), 'assay-kit-'));
const [kit, libraries, temporary] = ['kit', 'libraries', 'tmp'].map((name) => join(scratch, name));
const script = fileURLToPath(new URL('../../../scripts/field-kit.mjs', import.meta.url));
afterAll(() => rmSync(scratch, { recursive: true }));

interface Ran {
  readonly code: number | null;
  readonly text: string;
}
function start(command: string, args: readonly string[], env: Record<string, string>): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: scratch, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        text += data.toString();
      });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, text }));
  });
}

let runs = 0;
async function run(args: readonly string[], env: Record<string, string> = {}) {
  const out = `results-${runs++}`;
  const arguments_ = [join(kit, 'run'), '--node', process.execPath, '--out', out, ...args];
  const ran = await start('/bin/sh', arguments_, { TMPDIR: temporary, ...env });
  const results = join(scratch, out, 'results.jsonl');
  const lines = (): Record<string, unknown>[] =>
    readFileSync(results, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const steps = (): Record<string, unknown> =>
    Object.fromEntries(lines().flatMap(({ step, status }) => (status ? [[step, status]] : [])));
  return { ...ran, lines, steps };
}

describe.skipIf(!linux)('a kit for a borrowed machine', () => {
  beforeAll(async () => {
    for (const folder of [libraries, temporary]) mkdirSync(folder);
    const made = await start(process.execPath, [script, '--lean', '--out', join(scratch, 'made')], {
      PATH: process.env.PATH ?? '',
    });
    expect(made.text).toMatch(/MiB \(payload.tar.xz, run\), Node not carried/);
    // as it would be carried
    cpSync(join(scratch, 'made'), kit, { recursive: true });
    rmSync(join(scratch, 'made'), { recursive: true });
    if (!compiler) return;
    for (const [name, as] of [
      ['driver', 'libcuda.so.1'],
      ['nvml', 'libnvidia-ml.so.1'],
      ['cublaslt', 'libcublasLt.so.12'],
    ] as const)
      copyFileSync(buildLibrary(name, scratch), join(libraries, as));
  });

  test('says at each step that there is no card, and does what needs none', async () => {
    // a folder without libraries: on a machine with a card the test would find it otherwise
    const only = 'host,devices,golden-cpu,proof-cpu,golden-card,killed';
    const { code, text, steps } = await run(['--small', '--only', only], { LD_LIBRARY_PATH: kit });
    if (steps()['golden-card'] === 'passed') return console.warn('skipped: this machine has a card');
    expect(steps()).toEqual({
      host: 'passed',
      devices: 'passed',
      'golden-cpu': 'passed',
      'proof-cpu': 'passed',
      'golden-card': 'skipped',
      killed: 'skipped',
    });
    expect(text.match(/no NVIDIA card can be used: .*driver was not found/g)).toHaveLength(2);
    expect(text).toMatch(/golden vectors, the twin of the kernels: 44 values, 0 differ/);
    expect(code).toBe(3);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test.skipIf(!compiler)(
    'goes through what a card can be put through',
    async () => {
      const only = 'golden-card,exact-2048,bench-4096,killed,illegal-address,pair,beyond';
      const card = { LD_LIBRARY_PATH: libraries, FAKE_ROOM: '12000000', FAKE_MAJOR: '8' };
      const { code, text, steps, lines } = await run(['--small', '--only', only], card);
      expect(steps(), text).toEqual(Object.fromEntries(only.split(',').map((name) => [name, 'passed'])));
      expect(text).toMatch(/cuBLASLt int8, ways it named and were timed: 2 ways/);
      expect(text).toMatch(/memory:paced-memory, n=128: {"kind":"accepted"}/);
      const back = lines().filter(({ metric }) => String(metric).endsWith('the slot was back'));
      expect(back.map(({ reason }) => reason)).toEqual([
        expect.stringMatching(/ended by SIGKILL/),
        expect.stringMatching(/CUDA_ERROR_ILLEGAL_ADDRESS/),
      ]);
      const count = (metric: string) => lines().find((line) => line.metric === metric)?.value as number;
      expect(count('labels that fit')).toBeLessThan(count('labels asked for'));
      expect(code).toBe(0);
    },
    240_000,
  );

  test.skipIf(!compiler)('goes on after a step that fails, and says so at the end', async () => {
    const wrong = { LD_LIBRARY_PATH: libraries, FAKE_WRONG: 'join', FAKE_MAJOR: '8' };
    const { code, text, steps } = await run(['--small', '--only', 'golden-card,exact-2048,host'], wrong);
    expect(steps()).toEqual({ host: 'passed', 'golden-card': 'failed', 'exact-2048': 'failed' });
    expect(text).toMatch(/it is not exact here/);
    expect(text).toMatch(/bytes of label|accumulators of label/);
    expect(code).toBe(1);
  });

  test('begins nothing when its time is over, and knows its arguments', async () => {
    const { code, steps } = await run(['--minutes', '0.01', '--only', 'golden-cpu']);
    expect(steps()).toEqual({ 'golden-cpu': 'skipped' });
    expect(code).toBe(3);
    const unknown = await run(['--only', 'nothing']);
    expect(unknown.text).toMatch(/no such step: nothing/);
    expect(unknown.code).toBe(2);
  });
});
