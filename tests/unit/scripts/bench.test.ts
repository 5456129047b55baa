import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { node, ROOT, scratchProject } from './scratch.js';

function project(): string {
  const root = scratchProject(
    {
      'package.json': '{"type": "module"}',
      'benchmarks/hash/sha.bench.ts': `
export default async (emit: (row: object) => void) => {
  console.log('noise');
  emit({ bench: 'sha', metric: 'throughput', value: 1234567, unit: 'B/s', baseline: 500000 });
  emit({ bench: 'sha', metric: 'cpu', value: 0.5, unit: 'ms' });
};`,
      'benchmarks/broken/bad.bench.ts': 'export default async (emit) => emit({ bench: 1 });',
    },
    ['bench.mjs'],
  );
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  return root;
}
const bench = (root: string, ...args: string[]) => node(join(root, 'scripts/bench.mjs'), ...args);

describe('bench', () => {
  it('gives one JSON object a line, whatever the benchmark prints itself', () => {
    const { code, out } = bench(project(), 'hash', '--json');
    expect(code).toBe(0);
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { bench: 'sha', metric: 'throughput', value: 1234567, unit: 'B/s', baseline: 500000 },
      { bench: 'sha', metric: 'cpu', value: 0.5, unit: 'ms' },
    ]);
  });

  it('draws a table otherwise', () => {
    const { out } = bench(project(), 'hash');
    expect(out).toBe(
      [
        'bench  metric          value  unit  baseline  value/baseline',
        'sha    throughput  1,235,000  B/s    500,000           2.47x',
        'sha    cpu               0.5  ms',
        '',
      ].join('\n'),
    );
  });

  it('lists the rooms for an unknown one, exit 2, and fails with a benchmark that does', () => {
    const root = project();
    const unknown = bench(root, 'nowhere');
    expect(unknown.code).toBe(2);
    expect(unknown.err).toContain('rooms: broken, hash');
    expect(bench(root, 'broken').code).toBe(1);
  });
});
