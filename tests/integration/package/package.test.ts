// The package as others get it, in what needs no registry: `npm run package-check -- --fast`, step by step.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';

const ROOT = new URL('../../../', import.meta.url).pathname;
const SCRIPT = join(ROOT, 'scripts/package-check.mjs');

interface Step {
  readonly step: string;
  readonly ok: boolean;
  readonly faults: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;
}
interface Report {
  readonly ok: boolean;
  readonly steps: readonly Step[];
}
let report: Report;
let said: string;
/** What the command left in the folder for what is temporary. */
let left: string[];

beforeAll(async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'assay-packed-'));
  const ran = await promisify(execFile)(process.execPath, [SCRIPT, '--fast', '--json'], {
    cwd: scratch,
    env: { ...process.env, TMPDIR: scratch, ORT_DISABLE_TELEMETRY: undefined },
    timeout: 280_000,
  }).catch((error: { stdout: string; stderr: string }) => error);
  report = JSON.parse(ran.stdout) as Report;
  said = ran.stderr;
  left = readdirSync(scratch);
  rmSync(scratch, { recursive: true });
}, 290_000);

const facts = (name: string) => report.steps.find(({ step }) => step === name)?.facts;

describe('the packed package', () => {
  test('has no fault in any step, and each step was taken', () => {
    expect(report.steps.map(({ step, faults }) => [step, faults])).toEqual([
      ['build', []],
      ['pack', []],
      ['contents', []],
      ['publint', []],
      ['attw', []],
      ['types', []],
      ['doors', []],
      ['roles', []],
      ['optional', []],
    ]);
    expect(report.ok).toBe(true);
  });

  test('compiles in three modes of resolution and opens every door', () => {
    expect(facts('types')).toEqual({ resolutions: ['node16', 'nodenext', 'bundler'] });
    expect(facts('doors')).toEqual({ node: process.versions.node, doors: 16 });
  });

  test("the README's miner is on the chain", () => {
    expect(facts('roles')).toMatchObject({ axon: { ip: '127.16.0.1' } });
  });

  test('says for each optional part that is not there which command brings it', () => {
    expect(facts('optional')).toMatchObject({
      missing: expect.arrayContaining([
        'onnxruntime-node',
        '@huggingface/tokenizers',
        '@acala-network/chopsticks',
        'koffi',
        'webgpu',
      ]),
    });
  });

  test('is looked at with progress on standard error, and leaves no folder', () => {
    expect(said).toMatch(/^package attw \.\.\. ok \d+(\.\d)? s$/m);
    expect(left).toEqual([]);
  });
});
