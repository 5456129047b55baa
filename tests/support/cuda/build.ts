// Owns: shared libraries of the tests' own, made by whichever C compiler there is.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a library needs that a compiler alone has not: the headers of C, a linker. */
const TRIAL = '#include <stdlib.h>\nint trial(void) { return abs(-1); }\n';

/** The first C compiler of this machine that makes libraries, or undefined. */
export const compiler = ['cc', 'gcc', 'clang-16', 'clang'].find(
  (name) =>
    spawnSync(name, ['-shared', '-fPIC', '-x', 'c', '-', '-o', '/dev/null'], {
      input: TRIAL,
      stdio: ['pipe', 'ignore', 'ignore'],
    }).status === 0,
);

/** @returns the library's path */
export function buildLibrary(name: string, folder: string): string {
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  const library = join(folder, `${name}.so`);
  if (!compiler) throw new Error('no C compiler: ask `compiler` first');
  execFileSync(compiler, [
    '-shared',
    '-fPIC',
    '-O2',
    '-march=native',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    library,
    source,
  ]);
  return library;
}
