// Owns: running the tests that show faults, and what became of each. Does not own: which they are (catalogue.ts).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type Claim, defineSoak, type Findings, type SoakInput } from '../soak.js';
import { FAULTS, type Fault } from './catalogue.js';

export const soak = defineSoak({
  title: 'Faults of machines and networks',
  about:
    'What a machine and its network do to a role that runs for months, one fault at a time, each with its expected behaviour as a test. A test that this machine lacks the means for does not hold here.',
  minutes: 10,
  settings: {},
  run,
});

/** Of vitest's JSON reporter, what is read. */
const REPORT = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});

export type Ran = readonly {
  readonly file: string;
  readonly name: string;
  readonly status: string;
  readonly why?: string | undefined;
}[];

async function run({ dir, minutes, say }: SoakInput, signal: AbortSignal): Promise<Findings> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const files = [...new Set(FAULTS.flatMap(({ tests }) => tests.map(([file]) => file)))];
  const report = join(dir, 'report.json');
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  say(`${files.length} files of tests`);
  const child = spawn(
    process.execPath,
    [vitest, 'run', ...files, '--reporter=json', `--outputFile=${report}`],
    { cwd: root, stdio: ['ignore', 2, 2], env: { ...process.env, ASSAY_RELIABILITY: '' } },
  );
  const end = () => void child.kill();
  const late = AbortSignal.any([signal, AbortSignal.timeout(minutes * 60_000)]);
  late.addEventListener('abort', end, { once: true });
  await once(child, 'exit');
  late.removeEventListener('abort', end);
  signal.throwIfAborted();
  const { testResults } = REPORT.parse(JSON.parse(await readFile(report, 'utf8')));
  const ran: Ran = testResults.flatMap(({ name: file, assertionResults }) =>
    assertionResults.map(({ fullName, status, failureMessages }) => ({
      file,
      name: fullName,
      status,
      why: failureMessages?.[0]?.split('\n')[0],
    })),
  );
  return { claims: FAULTS.map((fault) => claimOf(fault, ran)), figures: [] };
}

/** Holds when every test that shows it was run and passed. */
export function claimOf({ fault, expected, tests }: Fault, ran: Ran): Claim {
  const broken = tests.flatMap(([file, name]) => {
    const found = ran.find((test) => test.file.endsWith(file) && test.name.endsWith(name));
    if (found?.status === 'passed') return [];
    if (!found) return [`${file}: no test is called “${name}”`];
    return [`${file}: “${name}” ${found.status === 'failed' ? `failed: ${found.why}` : 'was not run here'}`];
  });
  return {
    what: `${fault}: ${expected}`,
    holds: broken.length === 0,
    found: broken.length === 0 ? `${tests.length} of ${tests.length} tests pass` : broken.join('; '),
  };
}
