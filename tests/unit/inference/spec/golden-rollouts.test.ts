import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const path = (name: string) => fileURLToPath(new URL(`../../../../${name}`, import.meta.url));
const VECTORS = path('tests/vectors/rollouts-stream.json');
const SECOND = path('examples/rollouts-stream/vectors.py');

const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.warn('the second implementation of the stream skipped: this machine has no python3');

describe('the golden vectors of the stream', () => {
  test('are more than a thousand, and what the stream gives today', () => {
    expect(JSON.parse(readFileSync(VECTORS, 'utf8')).count).toBe(1414);
    const check = [path('scripts/golden-rollouts.mjs'), '--check'];
    expect(execFileSync(process.execPath, check, { encoding: 'utf8' })).toBe('');
  });

  test.runIf(hasPython)('are what a second implementation computes, which tells four wrong ones', () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-golden-'));
    try {
      const vectors = JSON.parse(readFileSync(VECTORS, 'utf8'));
      vectors.races[0].token += 1;
      vectors.judgements[1].margin += 1;
      vectors.sums[2].unforcedBits += 1;
      vectors.ln[3][1] = vectors.ln[3][1].replace(/.$/, (last: string) => (last === '0' ? '1' : '0'));
      const changed = join(folder, 'vectors.json');
      writeFileSync(changed, JSON.stringify(vectors));
      const { status, stdout } = spawnSync('python3', [SECOND, changed], { encoding: 'utf8' });
      expect(status).toBe(1);
      expect(stdout).toContain('\n1678 values, 4 differ\n');
      expect(stdout.match(/^\w+ \d+(?=:)/gm)).toEqual(['ln 3', 'races 0', 'judgements 1', 'sums 2']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
