// Owns: throw-away project folders in which a script of ours runs as it does in the real one.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder with these files, `scripts` copied from the project; removed after the test. */
export function scratchProject(files: Record<string, string>, scripts: readonly string[] = []): string {
  const root = mkdtempSync(join(tmpdir(), 'assay-scripts-'));
  folders.push(root);
  for (const script of scripts) cpSync(join(ROOT, 'scripts', script), join(root, 'scripts', script));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    if (content.startsWith('#!')) chmodSync(join(root, path), 0o755);
  }
  return root;
}

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Ran {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: options.cwd ?? '/',
    env: options.env ?? process.env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { code: status, out: stdout, err: stderr };
}

export const node = (...args: readonly string[]): Ran => run(process.execPath, args);
