// Owns: what a new project consists of, as text by path: made of examples/ and ops/, which this package brings. Does not own: what
// was answered (answers.ts), the folder (folder.ts).
import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssayError } from '../../model/errors.js';
import { VERSION } from '../../model/version.js';
import { example } from '../commands/config.js';
import { ROLES } from '../config.js';
import { fileSchema } from '../config-keys.js';
import { errnoOf } from '../invalid-input.js';
import type { Answers } from './answers.js';
import { unitFor } from './units.js';

export interface ProjectFile {
  /** within the project, with slashes */
  readonly path: string;
  readonly text: string;
  /** what others may read would give away what is put into it later */
  readonly mode: number;
}

/** The root of this package, from src/ as from dist/. */
const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));

/** What examples cannot carry: npm leaves such files out of packages. Keys and what roles keep are nobody else's. */
const GITIGNORE = `node_modules/
dist/
data/
keys/
*.key
*.pem
hotkey*
coldkey*
`;
/** As Assay itself is installed: no package runs anything by being installed. */
const NPMRC = `ignore-scripts=true
fund=false
audit=false
`;

/** @param assay of package.json: an exact version, or file: and a path. @default this version */
export async function projectFiles(
  { kind, name, values }: Answers,
  assay: string = VERSION,
): Promise<readonly ProjectFile[]> {
  const own = `new-${kind}`;
  const template = join(PACKAGE, 'examples', own);
  const files: ProjectFile[] = [];
  const add = (path: string, text: string, mode = 0o644): void => void files.push({ path, text, mode });
  for (const path of await pathsIn(template)) {
    const text = await bring(join(template, path));
    if (path === 'package.json') add(path, packageJson(text, { name, assay }));
    else if (path === 'README.md') add(path, text.replaceAll(own, name));
    else add(path, text, path.startsWith('config/') ? 0o600 : 0o644);
  }
  add('.gitignore', GITIGNORE);
  add('.npmrc', NPMRC);
  if (kind !== 'subnet') {
    const schema = `assay-${kind}.schema.json`;
    add(`assay-${kind}.json`, example(kind, schema, values), 0o600);
    add(schema, `${JSON.stringify(fileSchema(kind, ROLES[kind]), undefined, 2)}\n`);
  }
  for (const role of kind === 'subnet' ? (['miner', 'validator'] as const) : [kind]) {
    const unit = await bring(join(PACKAGE, 'ops/systemd', `assay-${role}.service`));
    add(`ops/${name}${kind === 'subnet' ? `-${role}` : ''}.service`, unitFor(unit, { role, kind, name }));
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function packageJson(text: string, { name, assay }: { name: string; assay: string }): string {
  const { dependencies, ...rest } = JSON.parse(text) as { dependencies: object };
  return `${JSON.stringify({ ...rest, name, dependencies: { ...dependencies, assay } }, undefined, 2)}\n`;
}

async function pathsIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(notWhole(folder));
  return (
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
      .map((path) => path.split(sep).join('/'))
      // what somebody built or installed there is not part of it
      .filter((path) => !/^(node_modules|dist|data)\//.test(path))
  );
}

const bring = (path: string): Promise<string> => readFile(path, 'utf8').catch(notWhole(path));

const notWhole =
  (path: string) =>
  (cause: unknown): never => {
    const why = `not part of this installation (${errnoOf(cause) ?? String(cause)}): install assay ${VERSION} again`;
    throw new AssayError('corrupt', `${path}: ${why}`, { path, why }, { cause });
  };
