import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { node, scratchProject } from './scratch.js';

type Status = 'passed' | 'failed' | 'skipped' | 'todo';
const file = (status: 'passed' | 'failed', ...tests: Status[]) => ({
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});

/** Runs scripts/run-tests.mjs with a check and a vitest that end as told. */
function runTests(script: { check?: number; exit?: number; files?: ReturnType<typeof file>[] }) {
  const { check = 0, exit = 0, files } = script;
  const count = (status: Status) =>
    files?.flatMap((each) => each.assertionResults).filter((t) => t.status === status).length;
  const report = files && {
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('skipped'),
    numTodoTests: count('todo'),
    testResults: files,
  };
  const write = report
    ? `writeFileSync(process.argv.find((a) => a.startsWith('--outputFile')).split('=')[1], ${JSON.stringify(JSON.stringify(report))});`
    : '';
  const root = scratchProject(
    {
      'scripts/check.mjs': `process.exit(${check});`,
      'node_modules/vitest/vitest.mjs': `import { writeFileSync } from 'node:fs';\n${write}\nprocess.exit(${exit});`,
    },
    ['run-tests.mjs'],
  );
  const { code, out } = node(join(root, 'scripts/run-tests.mjs'));
  return { code, last: out.trimEnd().split('\n').at(-1), newline: out.endsWith('\n') };
}

describe('scripts/test', () => {
  it('ends with one plain line of counts', () => {
    expect(
      runTests({ files: [file('passed', 'passed', 'skipped'), file('passed', 'passed', 'todo')] }),
    ).toEqual({
      code: 0,
      last: '2 passed, 0 failed, 2 skipped',
      newline: true,
    });
  });

  it('counts failed tests, a failed check and files that did not load', () => {
    const files = [file('passed', 'passed'), file('failed', 'passed', 'failed'), file('failed')];
    expect(runTests({ files, exit: 1 })).toMatchObject({ code: 1, last: '2 passed, 2 failed, 0 skipped' });
    expect(runTests({ files: [file('passed', 'passed')], check: 1 })).toMatchObject({
      code: 1,
      last: '1 passed, 1 failed, 0 skipped',
    });
  });

  it('fails when the run broke although every test passed, or left no report', () => {
    expect(runTests({ files: [file('passed', 'passed')], exit: 1 })).toMatchObject({
      code: 1,
      last: '1 passed, 1 failed, 0 skipped',
    });
    expect(runTests({ exit: 134 })).toMatchObject({ code: 1, last: '0 passed, 1 failed, 0 skipped' });
  });
});
