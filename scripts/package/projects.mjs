// Owns: somebody else's projects that have the package: linked to what is installed here, or installed by an npm of a given version;
// Node.js of other versions. Does not own: what is asked of them (package-check.mjs, readme.mjs).
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { unpack } from './tarball.mjs';

const run = promisify(execFile);
const MAX_BUFFER = 64 * 2 ** 20;
const INSTALL_MS = 240_000;
/** Long enough for a registry that is far, short enough to be told within a minute that there is none. */
const REGISTRY_MS = 20_000;

/** A shell of a stranger: nothing of what `npm run` or this folder's settings leave in ours, but where the registry is. */
export function strangersEnv(env = process.env, node = process.execPath) {
  const kept = /^npm_config_(registry|cache|userconfig|cafile|proxy|https_proxy|noproxy)$/i;
  const clean = Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(npm_|INIT_CWD$|NODE_|ASSAY_)/i.test(name) || kept.test(name)),
  );
  const path = (env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return {
    ...clean,
    PATH: [dirname(node), ...path].join(delimiter),
    npm_config_update_notifier: 'false',
    npm_config_fund: 'false',
    npm_config_audit: 'false',
    npm_config_progress: 'false',
  };
}

function emptyProject(folder) {
  mkdirSync(folder, { recursive: true });
  const manifest = { name: 'somebody', version: '1.0.0', private: true, type: 'module' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  return folder;
}

/** A package that is installed into a project; what others bring is found where theirs is. */
function link(from, project, name) {
  const place = join(project, 'node_modules', name);
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(join(from, name), place);
}

/**
 * The package, unpacked, and of the packages of `modules` those that an install would put beside it, and no other.
 * @param withOptional whether what is optional is there
 */
export async function linkedProject(folder, { tarball, modules, manifest, withOptional, more = [] }) {
  const project = emptyProject(folder);
  await unpack(tarball, join(project, 'node_modules', manifest.name));
  const wanted = [
    ...Object.keys(manifest.dependencies),
    ...(withOptional ? Object.keys(manifest.optionalDependencies ?? {}) : []),
    ...more,
  ];
  for (const name of wanted) if (existsSync(join(modules, name))) link(modules, project, name);
  return project;
}

/** @returns why there is no registry, or undefined */
export async function whyNoRegistry(env, scratch) {
  const flags = ['--fetch-retries=0', '--fetch-timeout=15000'];
  try {
    await run('npm', ['view', 'npm', 'version', ...flags], { cwd: scratch, env, timeout: REGISTRY_MS });
    return undefined;
  } catch (error) {
    const [, why = 'no answer in time'] = /npm (?:error|ERR!) (?!code)(.+)/.exec(error.stderr ?? '') ?? [];
    return `no registry answers: ${why.trim()}`;
  }
}

/** @returns path of npm's program */
export async function npmOf(major, scratch, { env, signal }) {
  const project = emptyProject(join(scratch, `npm-${major}`));
  await run('npm', ['install', '--ignore-scripts', '--no-save', `npm@${major}`], {
    cwd: project,
    env,
    signal,
    timeout: INSTALL_MS,
    maxBuffer: MAX_BUFFER,
  });
  const folder = join(project, 'node_modules/npm');
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return { version, program: join(folder, 'bin/npm-cli.js') };
}

/**
 * As its package of plain binaries has it.
 * @param wanted a version, or the beginning of one: then the newest of them
 */
export async function nodeOf(wanted, scratch, { env, signal }) {
  const project = emptyProject(join(scratch, `node-${wanted}`));
  const name = `node-${process.platform}-${process.arch}`;
  await run('npm', ['install', '--ignore-scripts', '--no-save', `${name}@${wanted}`], {
    cwd: project,
    env,
    signal,
    timeout: INSTALL_MS,
    maxBuffer: MAX_BUFFER,
  });
  const program = join(project, 'node_modules', name, 'bin/node');
  const { stdout } = await run(program, ['--version'], { env });
  return { version: stdout.trim().slice(1), program };
}

/** `npm install FILE` in an empty folder. */
export async function installedProject(folder, { tarball, npm, flags, env, signal }) {
  const project = emptyProject(folder);
  const { stdout, stderr } = await run(
    process.execPath,
    [npm, 'install', '--no-audit', '--no-fund', ...flags, tarball],
    { cwd: project, env, signal, timeout: INSTALL_MS, maxBuffer: MAX_BUFFER },
  );
  return { project, said: `${stdout}${stderr}` };
}

/** CycloneDX of all that a project has of us. */
export async function billOf(project, { npm, env }) {
  const { stdout } = await run(process.execPath, [npm, 'sbom', '--sbom-format', 'cyclonedx'], {
    cwd: project,
    env,
    timeout: REGISTRY_MS * 3,
    maxBuffer: MAX_BUFFER,
  });
  return stdout;
}

/** @param folder of the package, so that what is in it is told from what it is named for */
export function faultsOfBill(bill, manifest) {
  const { components = [], bomFormat } = bill;
  const faults = bomFormat === 'CycloneDX' ? [] : ['no bill in CycloneDX'];
  const versions = new Map(
    components.map(({ name, group, version }) => [group ? `${group}/${name}` : name, version]),
  );
  for (const [name, version] of [
    [manifest.name, manifest.version],
    ...Object.entries(manifest.dependencies),
  ]) {
    const have = components.filter((each) => nameOf(each) === name).map((each) => each.version);
    if (!have.includes(version))
      faults.push(`${name} ${version}: not in the bill (${versions.get(name) ?? 'none'})`);
  }
  for (const each of components)
    if (nameOf(each) !== manifest.name && !(each.hashes ?? []).some(({ alg }) => alg === 'SHA-512'))
      faults.push(`${nameOf(each)} ${each.version}: no SHA-512 in the bill`);
  return faults;
}

const nameOf = ({ name, group }) => (group ? `${group}/${name}` : name);
