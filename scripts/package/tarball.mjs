// Owns: the package as npm packs it, and what is wrong with what is in it. Does not own: what publint, attw and the compiler say of
// it (promises.mjs), projects that have it (projects.mjs).
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

const run = promisify(execFile);

/** A third more than in November 2026: 2.7 MB of 9.8 MB, and 4 MB of 15 MB for the documentation site. Whoever adds more says so here. */
export const BUDGET = { packedBytes: 9_000_000, unpackedBytes: 33_000_000 };
/** `tsx` is asked for where sources are run, which are not in the package; `vitest` by the suites of transports, in a test of the project's own. */
const NEVER_OURS = new Set(['tsx', 'vitest']);
/** Nothing of these is anybody's business: tests, what a build remembers, keys, settings of this folder. */
const UNWANTED = [
  /^(src|tests|benchmarks|reliability|scripts|node_modules|\.)/,
  /^dist\/.*\.test\.(js|d\.ts)$/,
  /\.tsbuildinfo$/,
  /\.(key|pem|tgz|log)$/,
];

/**
 * @returns `{ tarball, integrity, packedBytes, unpackedBytes, files }`
 * @param root of the package, built
 */
export async function pack(root, into, env) {
  mkdirSync(into, { recursive: true });
  // the build was made by us: with scripts off, as they are here, npm would pack whatever dist/ held
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', into], {
    cwd: root,
    env,
    maxBuffer: 64 * 2 ** 20,
  });
  const [{ filename, integrity, size, unpackedSize, entryCount }] = JSON.parse(stdout);
  return {
    tarball: join(into, filename),
    integrity,
    packedBytes: size,
    unpackedBytes: unpackedSize,
    files: entryCount,
  };
}

/** The package's folder as an install has it. */
export async function unpack(tarball, folder) {
  mkdirSync(dirname(folder), { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', dirname(folder)]);
  renameSync(join(dirname(folder), 'package'), folder);
}

/** Path with slashes to text. */
export function filesIn(folder) {
  const files = new Map();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    files.set(relative(folder, path).replaceAll('\\', '/'), readFileSync(path, 'utf8'));
  }
  return files;
}

/** One line for each thing in the package that is wrong, or missing. */
export function faultsOfContents(files, manifest) {
  const faults = [];
  const declared = new Map(
    ['dependencies', 'optionalDependencies', 'peerDependencies'].flatMap((section) =>
      Object.entries(manifest[section] ?? {}),
    ),
  );
  const promised = [
    ...Object.entries(manifest.bin ?? {}),
    ...Object.entries(manifest.exports ?? {}).flatMap(([path, target]) =>
      (typeof target === 'string' ? [target] : Object.values(target)).map((file) => [path, file]),
    ),
  ];
  for (const [name, target] of promised)
    if (!files.has(posix.normalize(target))) faults.push(`${name}: ${target} is not packed`);
  for (const target of Object.values(manifest.bin ?? {}))
    if (!(files.get(posix.normalize(target)) ?? '#!').startsWith('#!'))
      faults.push(`${target}: a program without a first line that says what runs it`);
  for (const [path, text] of files) {
    if (UNWANTED.some((pattern) => pattern.test(path))) faults.push(`${path}: not for a package`);
    const isProgram = /^dist\/.*\.(js|d\.ts)$/.test(path);
    // what a changelog says was so when it was written
    if (isProgram || (path.endsWith('.md') && path !== 'CHANGELOG.md'))
      faults.push(...faultsOfInstalls(path, text, declared));
    if (!isProgram) continue;
    const [, map] = /^\/\/# sourceMappingURL=(?!data:)(\S+)$/m.exec(text) ?? [];
    if (map !== undefined && !files.has(posix.join(posix.dirname(path), map)))
      faults.push(`${path}: its map ${map} is not packed`);
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles)
      faults.push(...faultsOfImport(path, fileName, files, declared, manifest.name));
  }
  return faults;
}

/** Commands that install something in a version other than package.json's. */
function faultsOfInstalls(path, text, declared) {
  const commands = text.matchAll(/npm install (?:--\S+ )*((?:@[\w-]+\/)?[\w-]+)@(\d+\.\d+\.\d+)/g);
  return [...commands]
    .filter(([, name, version]) => declared.get(name) !== version)
    .map(
      ([command, name]) =>
        `${path}: says \`${command}\`, and package.json has ${declared.get(name) ?? 'none'}`,
    );
}

function faultsOfImport(path, name, files, declared, own) {
  if (name.startsWith('node:')) return [];
  if (name.startsWith('.')) {
    const target = posix.join(posix.dirname(path), name);
    const [wanted] = path.endsWith('.d.ts') ? [target.replace(/\.js$/, '.d.ts')] : [target];
    return files.has(wanted) ? [] : [`${path}: imports ${name}, which is not packed`];
  }
  const packageName = name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
  // a name with a placeholder is a text of ours that becomes a program
  if (packageName.includes('$') || packageName === own) return [];
  if (declared.has(packageName) || NEVER_OURS.has(packageName)) return [];
  return [`${path}: imports ${packageName}, on which the package does not depend`];
}

/** What is beyond the budget. */
export const faultsOfSize = (sizes, budget = BUDGET) =>
  Object.entries(budget)
    .filter(([what, most]) => sizes[what] > most)
    .map(([what, most]) => `${what} ${sizes[what]}, at most ${most} (scripts/package/tarball.mjs)`);

/** The site has them: a second copy in docs/ would be 3 MB. */
const IN_THE_SITE = /^docs\/screenshots\//;

/** Links of a page that is packed to what is not. */
export function faultsOfLinks(page, files) {
  const folders = new Set(
    [...files.keys()].flatMap((path) => path.split('/').map((_, at, parts) => parts.slice(0, at).join('/'))),
  );
  return [...(files.get(page) ?? '').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
    .map(([, target]) => posix.join(posix.dirname(page), target).replace(/\/$/, ''))
    .filter((target) => !files.has(target) && !folders.has(target) && !IN_THE_SITE.test(target))
    .map((target) => `${page}: links to ${target}, which is not packed`);
}
