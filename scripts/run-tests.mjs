#!/usr/bin/env node
// `check`, then all tests; called by scripts/test. The last line is `N passed, N failed, N skipped`: tests, plus one
// failure for a failed check, for each test file that did not load and for a run that died.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'assay-test-'));
let summary = { passed: 0, failed: 1, skipped: 0 };
try {
  const check = node('scripts/check.mjs');
  const report = join(scratch, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const tests = node('node_modules/vitest/vitest.mjs', 'run', ...reporters, ...process.argv.slice(2));
  summary = count(report);
  if (tests !== 0 && summary.failed === 0) {
    console.log(`the test run ended with exit code ${tests} although no test failed`);
    summary.failed++;
  }
  if (check !== 0) {
    console.log('the check of the sources failed (above)');
    summary.failed++;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = summary.failed > 0 ? 1 : 0;
console.log(`${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`);

function node(script, ...args) {
  const { status } = spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status;
}

function count(report) {
  try {
    const { numPassedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    const tests = testResults.flatMap((file) => file.assertionResults);
    const failed = tests.filter((test) => test.status === 'failed').length;
    // a file that failed without a failed test: it did not load, or a hook around its tests broke
    const files = testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
    );
    return { passed: numPassedTests, failed: failed + files.length, skipped: numPendingTests + numTodoTests };
  } catch (error) {
    console.log(`no test report: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
