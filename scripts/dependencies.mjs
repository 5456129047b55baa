#!/usr/bin/env node
// The register of dependencies, docs/dependencies.md: made of package.json, the lock file, the reasons in ARCHITECTURE.md and the
// answers to advisories and licences in scripts/dependencies.json.
// Usage: node scripts/dependencies.mjs [--check | --write | --releases | --audit | --sbom FILE]
//   --check     exit 1 with one line a problem; needs no network (what `npm run check` asks)
//   --write     writes the register
//   --releases  asks the registry when each direct dependency was released last, and keeps the answers
//   --audit     npm audit, where a registry answers it; says aloud where none does
//   --sbom FILE a bill of materials of what runs, CycloneDX
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const KEPT = join(root, 'scripts/dependencies.json');
const PAGE = join(root, 'docs/dependencies.md');
const json = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** Of the table under "Dependencies": each package's reason, and why this version where there is one. */
export function reasonsIn(architecture) {
  const [, after = ''] = architecture.split('\n## Dependencies\n');
  const reasons = new Map();
  for (const line of after.split('\n## ')[0].split('\n')) {
    const [, packages, what, version] = line.split('|').map((cell) => cell.trim());
    for (const [, name, at] of packages?.matchAll(/`([^`]+)` (\d[\w.-]*)/g) ?? [])
      reasons.set(name, { at, why: [what, version].filter(Boolean).join('; ') });
  }
  return reasons;
}

/** Where a second copy would be a second implementation of what signatures and hashes hang on. */
const CRYPTO =
  /^(@noble\/|@scure\/|@polkadot\/(util-crypto|wasm-crypto|keyring)|hash-wasm$|elliptic$|bn\.js$|tweetnacl|libsodium|sodium|ed25519|secp256k1|blake)/;
const SECTIONS = ['dependencies', 'optionalDependencies', 'peerDependencies', 'devDependencies'];
const USE = {
  dependencies: 'runs',
  optionalDependencies: 'optional',
  peerDependencies: 'optional peer',
  devDependencies: 'develops',
};

/** What is declared, what that brings, advisories, and one line a problem. */
export function register(manifest, lock, kept, reasons) {
  const problems = [];
  const packages = Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, facts]) => ({ path, name: path.split('node_modules/').pop(), ...facts }));
  const declared = new Map();
  for (const section of SECTIONS)
    for (const [name, version] of Object.entries(manifest[section] ?? {}))
      if (!declared.has(name)) declared.set(name, { version, use: USE[section] });

  for (const [name, { version }] of declared) {
    if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) problems.push(`${name}: ${version} is no exact version`);
    const { at } = reasons.get(name) ?? {};
    if (at === undefined) problems.push(`${name}: no reason in ARCHITECTURE.md`);
    else if (at !== version)
      problems.push(`${name}: ${version}, and ARCHITECTURE.md gives the reason for ${at}`);
  }
  for (const name of reasons.keys())
    if (!declared.has(name) && !manifest.overrides?.[name])
      problems.push(`${name}: a reason in ARCHITECTURE.md for what is no dependency`);

  for (const { path, name, integrity, license, hasInstallScript } of packages) {
    if (!/^sha512-/.test(integrity ?? '')) problems.push(`${path}: no SHA-512 in the lock file`);
    if (!license) problems.push(`${path}: no licence`);
    else if (!kept.licences.includes(license) && !kept.licenceAnswers[name])
      problems.push(`${path}: licence ${license} is not among those that are taken, nor answered`);
    if (hasInstallScript && manifest.allowScripts?.[name] !== false)
      problems.push(`${path}: an install script that package.json does not refuse`);
  }
  const versions = new Map();
  for (const { name, version } of packages)
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  for (const [name, all] of versions)
    if (CRYPTO.test(name) && all.size > 1)
      problems.push(`${name}: ${[...all].join(' and ')}, two copies of what keys hang on`);

  const advisories = kept.advisories.map((each) => {
    const found = packages.filter(({ name }) => name === each.package);
    if (found.length === 0) problems.push(`${each.id}: ${each.package} is not installed any more`);
    const hit = found.filter(({ version }) => isAffected(version, each.fixed));
    if (hit.length > 0 && !each.answer)
      problems.push(
        `${each.id}: ${each.package} ${hit.map(({ version }) => version).join(', ')} is affected, and nothing says why that is no matter`,
      );
    if (hit.length === 0 && each.answer)
      problems.push(`${each.id}: answered, though no installed version is affected`);
    return { ...each, found: [...new Set(found.map(({ version }) => version))], isHit: hit.length > 0 };
  });

  const lockOf = (name) => lock.packages[`node_modules/${name}`];
  const direct = [...declared].map(([name, { version, use }]) => ({
    name,
    version,
    use,
    why: reasons.get(name)?.why ?? '',
    licence: lockOf(name)?.license ?? 'not installed here',
    released: releaseOf(kept.released[`${name}@${version}`], version),
    ...marksOf(packages, name),
    integrity: lockOf(name)?.integrity ?? '',
  }));
  const brought = packages
    .filter(({ path, name }) => !(declared.has(name) && path === `node_modules/${name}`))
    .map(({ path, name, version, license, dev, optional, integrity }) => ({
      name,
      version,
      licence: license,
      use: dev ? 'develops' : optional ? 'optional' : 'runs',
      ...marksOf(
        packages.filter((each) => each.path === path),
        name,
      ),
      integrity,
    }));
  return { direct, brought, advisories, problems };
}

function releaseOf(known, version) {
  if (!known) return 'not asked';
  return known.newest === version
    ? `${known.on}, the last`
    : `${known.on}; last ${known.newest}, ${known.newestOn}`;
}

/** What is built for one processor, or calls a compiler or a download at its installation, is native. */
function marksOf(packages, name) {
  const own = packages.filter((each) => each.name === name);
  const script = own.some(({ hasInstallScript }) => hasInstallScript);
  const native = script || own.some(({ cpu, os, libc }) => cpu || os || libc);
  return { script, native };
}

/** `fixed`: the first good version of each line; a version of a line that is not among them is taken for affected when it is older than all. */
export function isAffected(version, fixed) {
  const of = (text) => text.split('.').map(Number);
  const isLess = (a, b) => {
    for (let at = 0; at < 3; at++) if (a[at] !== b[at]) return a[at] < b[at];
    return false;
  };
  const here = of(version);
  const lines = fixed.map(of);
  const own = lines.find(([major]) => major === here[0]);
  if (own) return isLess(here, own);
  return lines.every((line) => isLess(here, line));
}

export function page({ direct, brought, advisories }, kept) {
  const mark = ({ script, native }) =>
    [script ? 'script, not run' : '', native ? 'native' : ''].filter(Boolean).join(', ') || '-';
  const short = (integrity) => (integrity ? `\`${integrity.slice(7, 19)}\`` : '-');
  const lines = [
    '# Dependencies',
    '',
    'Made by `node scripts/dependencies.mjs --write`; `npm run check` refuses a register that is not that of the lock file. Versions are exact, every package is',
    'held by its SHA-512 (the first characters are shown), install scripts are never run, and there is one copy of whatever keys, signatures and hashes hang on.',
    '',
    '## Ours',
    '',
    '| package | version | released | licence | use | install script, native code | SHA-512 | why |',
    '|---|---|---|---|---|---|---|---|',
    ...direct.map(
      (each) =>
        `| \`${each.name}\` | ${each.version} | ${each.released} | ${each.licence} | ${each.use} | ${mark(each)} | ${short(each.integrity)} | ${each.why} |`,
    ),
    '',
    '## Known advisories',
    '',
    `Answered by hand; the newest look was on ${kept.looked}. \`node scripts/dependencies.mjs --audit\` asks a registry, where one answers.`,
    '',
    '| advisory | package | installed | fixed in | here | source |',
    '|---|---|---|---|---|---|',
    ...advisories.map(
      ({ id, package: name, what, found, fixed, isHit, answer, source, date }) =>
        `| ${id}: ${what} | \`${name}\` | ${found.join(', ')} | ${fixed.join(', ')} | ${isHit ? `**affected**: ${answer}` : 'not affected'} | ${source}, ${date} |`,
    ),
    '',
    '## Licences that need a word',
    '',
    ...Object.entries(kept.licenceAnswers).map(([name, answer]) => `- \`${name}\`: ${answer}`),
    '',
    '## What they bring',
    '',
    '| package | version | licence | use | install script, native code | SHA-512 |',
    '|---|---|---|---|---|---|',
    ...brought.map(
      (each) =>
        `| \`${each.name}\` | ${each.version} | ${each.licence} | ${each.use} | ${mark(each)} | ${short(each.integrity)} |`,
    ),
    '',
  ];
  return lines.join('\n');
}

const run = promisify(execFile);
const npm = (...args) => run('npm', args, { cwd: root, maxBuffer: 64 * 2 ** 20 });

async function main([order = '--check', file]) {
  const manifest = json(join(root, 'package.json'));
  const lock = json(join(root, 'package-lock.json'));
  const kept = json(KEPT);
  const reasons = reasonsIn(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'));
  const made = register(manifest, lock, kept, reasons);
  if (order === '--check' || order === '--write') {
    const problems = [...made.problems];
    if (!readFileSync(join(root, '.npmrc'), 'utf8').includes('ignore-scripts=true'))
      problems.push('.npmrc: install scripts are not off');
    if (order === '--write') writeFileSync(PAGE, page(made, kept));
    else if (!existsSync(PAGE) || readFileSync(PAGE, 'utf8') !== page(made, kept))
      problems.push(
        'docs/dependencies.md: not that of the lock file; run: node scripts/dependencies.mjs --write',
      );
    for (const problem of problems) console.log(problem);
    return problems.length > 0 ? 1 : 0;
  }
  if (order === '--releases') {
    for (const { name, version } of made.direct) {
      const { stdout } = await npm('view', name, 'version', 'time', '--json');
      const { version: newest, time } = JSON.parse(stdout);
      const day = (at) => time[at]?.slice(0, 10) ?? 'no date';
      kept.released[`${name}@${version}`] = { on: day(version), newest, newestOn: day(newest) };
      console.log(`${name}@${version}: ${day(version)}; newest ${newest}, ${day(newest)}`);
    }
    const wanted = new Set(made.direct.map(({ name, version }) => `${name}@${version}`));
    kept.released = Object.fromEntries(Object.entries(kept.released).filter(([key]) => wanted.has(key)));
    writeFileSync(KEPT, `${JSON.stringify(kept, undefined, 2)}\n`);
    return 0;
  }
  if (order === '--audit') {
    // it exits 1 both for findings and for a registry that does not know the question
    const { stdout } = await npm('audit', '--json').catch((error) => error);
    const answer = parsed(stdout);
    if (!answer?.metadata?.vulnerabilities) {
      console.log(
        'npm audit: no registry answered, so nothing was found out; what is known stands in docs/dependencies.md',
      );
      return 0;
    }
    const known = new Set(kept.advisories.map(({ id }) => id));
    const open = Object.values(answer.vulnerabilities ?? {})
      .flatMap(({ via }) => via)
      .filter((via) => typeof via === 'object' && !known.has(via.url?.split('/').pop()));
    for (const { name, title, url } of open) console.log(`${name}: ${title} (${url})`);
    console.log(`npm audit: ${open.length} advisories that are not answered`);
    return open.length > 0 ? 1 : 0;
  }
  if (order === '--sbom' && file) {
    const { stdout } = await npm('sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev');
    const bill = JSON.parse(stdout);
    writeFileSync(file, stdout);
    console.log(`${file}: ${bill.components.length} components`);
    return 0;
  }
  console.error(
    'usage: node scripts/dependencies.mjs [--check | --write | --releases | --audit | --sbom FILE]',
  );
  return 2;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
