import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { node, ROOT, scratchProject } from './scratch.js';

function project(): string {
  const settings = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
  const root = scratchProject(
    {
      ...Object.fromEntries(settings.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')])),
      'src/cli/main.ts': '#!/usr/bin/env node\nexport const main = 1;\n',
      'src/model/a.ts': 'export const a: number = 1;\n',
      'src/model/b.ts': 'export const b: number = 1;\n',
      'src/compute/kernel.wgsl': 'fn main() {}\n',
    },
    ['build.mjs'],
  );
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  return root;
}
const build = (root: string, ...args: string[]) => node(join(root, 'scripts/build.mjs'), ...args);

describe('build', () => {
  it('compiles, does nothing when nothing changed, and keeps no output of a deleted source', () => {
    const root = project();
    const dist = (file: string) => join(root, 'dist', file);
    const first = build(root);
    expect([first.code, first.err]).toEqual([0, expect.stringMatching(/^built 4 sources, [\d.]+ s\n$/)]);
    expect(
      ['model/a.js', 'model/a.d.ts', 'compute/kernel.wgsl'].every((file) => existsSync(dist(file))),
    ).toBe(true);
    expect(statSync(dist('cli/main.js')).mode & 0o111).toBe(0o111);

    const { mtimeMs } = statSync(dist('model/a.js'));
    expect(build(root)).toEqual({ code: 0, out: '', err: '' });
    expect(statSync(dist('model/a.js')).mtimeMs).toBe(mtimeMs);

    rmSync(join(root, 'src/model/b.ts'));
    expect(build(root).code).toBe(0);
    expect(existsSync(dist('model/b.js')) || existsSync(dist('model/b.d.ts'))).toBe(false);

    // tsc's own record would say that a.js is there
    rmSync(dist('model/a.js'));
    expect(build(root).code).toBe(0);
    expect(existsSync(dist('model/a.js'))).toBe(true);

    // outside a repository nobody knows the commit; a commit without a new source is another build all the same
    expect(existsSync(dist('build.json'))).toBe(false);
    const git = (...args: string[]): string =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
        cwd: root,
        encoding: 'utf8',
      }).trim();
    git('init', '--quiet');
    git('add', 'src', 'package.json');
    git('commit', '--quiet', '-m', 'a');
    expect(build(root).code).toBe(0);
    const commit = git('rev-parse', 'HEAD');
    expect(JSON.parse(readFileSync(dist('build.json'), 'utf8'))).toEqual({ commit, isChanged: false });
  });

  it('fails with the errors, and again until they are gone', () => {
    const root = project();
    writeFileSync(join(root, 'src/model/a.ts'), "export const a: number = 'one';\n");
    for (let i = 0; i < 2; i++) {
      const { code, err } = build(root);
      expect(code).toBe(1);
      expect(err).toContain('src/model/a.ts(1,14): error TS2322');
    }
  });
});
