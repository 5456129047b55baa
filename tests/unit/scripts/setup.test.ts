import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run, scratchProject } from './scratch.js';

/** A project whose npm only notes that it was called; `failures` times it fails first. */
function project(failures = 0): string {
  return scratchProject(
    {
      'package-lock.json': '{"lock": 1}',
      'scripts/build.mjs': '',
      'bin/npm': `#!/bin/sh
echo "$@" >> "${'$'}ROOT/npm.log"
[ "$(wc -l < "${'$'}ROOT/npm.log")" -gt ${failures} ] || { echo registry hiccup; exit 1; }
mkdir -p "${'$'}ROOT/node_modules"
`,
      'bin/git': '#!/bin/sh\n',
    },
    ['setup.sh'],
  );
}
const setup = (root: string, env: NodeJS.ProcessEnv = {}) =>
  run('bash', ['-c', 'set -eu; root=$ROOT; . "$ROOT/scripts/setup.sh"; setup; echo "$PWD $HOME"'], {
    env: { ROOT: root, HOME: root, PATH: `${join(root, 'bin')}${delimiter}${process.env.PATH}`, ...env },
  });
const calls = (root: string) =>
  existsSync(join(root, 'npm.log')) ? readFileSync(join(root, 'npm.log'), 'utf8').trim().split('\n') : [];

describe('setup', () => {
  it('installs once, from any folder, and is silent when there is nothing to do', () => {
    const root = project();
    const first = setup(root);
    expect(first).toEqual({
      code: 0,
      out: `${root} ${root}\n`,
      err: expect.stringMatching(/^setup: installing packages \(npm ci\) \.\.\. \d+ s\n$/),
    });
    expect(setup(root)).toEqual({ code: 0, out: `${root} ${root}\n`, err: '' });
    expect(calls(root)).toEqual(['ci --include=dev --no-progress --loglevel=error']);
  });

  it('installs again when the lock file changed or node_modules is gone', () => {
    const root = project();
    setup(root);
    writeFileSync(join(root, 'package-lock.json'), '{"lock": 2}');
    setup(root);
    expect(calls(root)).toHaveLength(2);
    rmSync(join(root, 'node_modules'), { recursive: true });
    setup(root);
    expect(calls(root)).toHaveLength(3);
  });

  it('tries once more when the registry hiccups, and says what npm said when that fails too', () => {
    const lucky = project(1);
    expect(setup(lucky).code).toBe(0);
    expect(calls(lucky)).toHaveLength(2);
    const unlucky = project(2);
    const { code, err } = setup(unlucky);
    expect(code).not.toBe(0);
    expect(err).toMatch(
      /^setup: installing packages \(npm ci\) \.\.\. failed\nregistry hiccup\nregistry hiccup\n$/,
    );
    setup(unlucky);
    expect(calls(unlucky)).toHaveLength(3);
  });

  it('finds a home when the variable is empty, so that no cache lands in the checkout', () => {
    const root = project();
    const { code, out } = setup(root, { HOME: '' });
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^${root} /.*\n$`));
    expect(out).not.toBe(`${root} ${root}\n`);
  });

  it('refuses an old Node.js and says which one it found', () => {
    const root = project();
    writeFileSync(
      join(root, 'bin/node'),
      '#!/bin/sh\n[ "$1" = --version ] && echo v18.19.0 && exit 0\nexit 1\n',
      { mode: 0o755 },
    );
    const { code, err } = setup(root);
    expect(code).not.toBe(0);
    expect(err).toBe(`setup: Node.js 20.12 or later is needed, ${root}/bin/node is v18.19.0\n`);
  });
});
