import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createFastLabels } from '../../../src/compute/cpu/fast-labels.js';
import { chains, expectVector } from '../../support/golden-labels.js';

const script = (name: string): string => fileURLToPath(new URL(`../../../scripts/${name}`, import.meta.url));
const python = spawnSync('python3', ['--version']).status === 0;
if (!python) console.warn('skipping the second implementation of the vectors: no python3 here');

describe('the vectors of labels', () => {
  test.each(chains)('are what the fused kernels give, n $n', async (vector) => {
    await expectVector(createFastLabels({ engine: 'wasm' }).openLabels, vector);
  });

  test('are what the plain reference gives', () => {
    expect(execFileSync(process.execPath, [script('golden.mjs'), '--check'], { encoding: 'utf8' })).toBe('');
  });

  test.skipIf(!python)('are confirmed by a second implementation', () => {
    const said = execFileSync('python3', [script('golden_check.py')], { encoding: 'utf8' });
    expect(said).toBe('83 values, 0 differ\n');
  });
});
