#!/usr/bin/env node
// The package as others get it: packed, looked through, installed in empty folders, compiled against and run (docs/packages.md).
// Usage: node scripts/package-check.mjs [--fast] [--json] [--sbom FILE] [--out FOLDER] [--no-build]
//   --fast        what needs no registry and no other Node.js, in half a minute
//   --json        one document on standard output in place of lines
//   --sbom FILE   the bill of materials of an install, CycloneDX
//   --out FOLDER  leaves the package there that was checked, when nothing was wrong: that is what to publish
//   --no-build    packs dist/ as it is
// Exit 1 when a step failed. A step that the machine cannot do says why and is skipped. Ctrl-C leaves nothing behind.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import {
  billOf,
  faultsOfBill,
  installedProject,
  linkedProject,
  nodeOf,
  npmOf,
  strangersEnv,
  whyNoRegistry,
} from './package/projects.mjs';
import { faultsByAttw, faultsByPublint, faultsOfTypes, RESOLUTIONS } from './package/promises.mjs';
import { examplesIn, lastLines, runRoles, runWalk } from './package/readme.mjs';
import { faultsOfContents, faultsOfLinks, faultsOfSize, filesIn, pack } from './package/tarball.mjs';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const NPMS = [10, 11];
/** All steps together: what hangs must not hang whoever waits for it. */
const MOST_MS = 25 * 60_000;

const { values: flags } = parseArgs({
  options: {
    fast: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
    sbom: { type: 'string' },
    out: { type: 'string' },
  },
});
if (flags.sbom !== undefined && flags.fast) {
  console.error('--sbom is made of an install, which --fast does not do');
  process.exit(2);
}

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'])
  process.once(name, () =>
    stop.abort(Object.assign(new Error(name), { exit: name === 'SIGINT' ? 130 : 143 })),
  );
const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(MOST_MS)]);

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const modules = join(root, 'node_modules');
/** The oldest Node.js that the package is for, and the newest of each line but the one that runs this: all other steps are that one's. */
const [, oldest] = />=(\d+\.\d+)$/.exec(manifest.engines.node);
const lines = ['20', '22', '24'].filter((major) => !process.versions.node.startsWith(`${major}.`));
const nodes = [`${oldest}.0`, ...lines];
const [roles, walk] = examplesIn(readFileSync(join(root, 'README.md'), 'utf8'));
const paths = Object.keys(manifest.exports)
  .filter((path) => !path.endsWith('.json'))
  .map((path) => join(manifest.name, path).replaceAll('\\', '/'));
const env = strangersEnv();
const here = { version: process.versions.node, program: process.execPath };
const steps = [];

const scratch = mkdtempSync(join(tmpdir(), 'assay-package-'));
let exit = 0;
try {
  await checkAll();
  exit = steps.some(({ faults }) => faults.length > 0) ? 1 : 0;
} catch (error) {
  if (!signal.aborted) throw error;
  exit = stop.signal.reason?.exit ?? 1;
  if (!stop.signal.aborted) console.error(`package: not through after ${MOST_MS / 60_000} minutes`);
} finally {
  rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
}
if (flags.json) console.log(JSON.stringify({ ok: exit === 0, steps }));
process.exitCode = exit;

async function checkAll() {
  if (!flags['no-build'])
    await step('build', async () => {
      await run(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, signal });
      // the site takes longer than all the rest of --fast
      if (!flags.fast) await run(process.execPath, [join(root, 'scripts/docs.mjs')], { cwd: root, signal });
      return {};
    });
  if (steps.some(({ faults }) => faults.length > 0)) return;
  const packed = await pack(root, join(scratch, 'packed'), env);
  await step('pack', async () => {
    const again = await pack(root, join(scratch, 'again'), env);
    const { tarball: _, ...facts } = packed;
    const faults = faultsOfSize(packed);
    if (again.integrity !== packed.integrity) faults.push('packed twice, the bytes are not the same');
    return { faults, facts };
  });

  const { tarball } = packed;
  const linked = await linkedProject(join(scratch, 'linked'), {
    tarball,
    modules,
    manifest,
    withOptional: true,
    more: ['@types/node'],
  });
  const own = join(linked, 'node_modules', manifest.name);
  await step('contents', async () => {
    const files = filesIn(own);
    const faults = [
      ...faultsOfContents(files, manifest),
      ...[...files.keys()]
        .filter((path) => path.endsWith('.md'))
        .flatMap((page) => faultsOfLinks(page, files)),
      ...(flags.fast || files.has('site/index.html')
        ? []
        : ['site/index.html: not packed; npm run docs makes it']),
    ];
    return { faults, facts: { files: files.size } };
  });
  await step('publint', async () => ({ faults: await faultsByPublint(own) }));
  await step('attw', async () => ({ faults: await faultsByAttw(tarball) }));
  await step('types', async () => ({
    faults: faultsOfTypes(linked, { paths, examples: [roles, walk] }),
    facts: { resolutions: Object.keys(RESOLUTIONS) },
  }));
  await step('doors', () => openDoors(linked, here));
  await step('roles', () =>
    runRoles(linked, { text: roles, node: here.program, env, signal }).then(withAxon),
  );
  await step('optional', async () => {
    const bare = await linkedProject(join(scratch, 'bare'), {
      tarball,
      modules,
      manifest,
      withOptional: false,
    });
    return missedParts(bare);
  });
  if (flags.fast) return;
  await step('walk', async () => ({
    faults: await runWalk(linked, { text: walk, node: here.program, env, signal }),
  }));
  await checkInstalls(tarball);
  if (flags.out !== undefined && steps.every(({ faults }) => faults.length === 0)) {
    mkdirSync(flags.out, { recursive: true });
    copyFileSync(tarball, join(flags.out, basename(tarball)));
  }
}

function withAxon({ faults, axon }) {
  return { faults, facts: axon === undefined ? {} : { axon } };
}

async function checkInstalls(tarball) {
  const why = await whyNoRegistry(env, scratch);
  if (why !== undefined) {
    for (const name of [...NPMS.map((npm) => `npm ${npm}`), ...nodes.map((node) => `node ${node}`), 'sbom'])
      await step(name, async () => ({ skipped: why }));
    return;
  }
  let installed;
  for (const major of NPMS) {
    let npm;
    for (const scripts of [false, true])
      await step(`npm ${major}${scripts ? '' : ' --ignore-scripts'}`, async () => {
        npm ??= await npmOf(major, scratch, { env, signal });
        const folder = join(scratch, `install-${major}-${scripts}`);
        const { project, said } = await installedProject(folder, {
          tarball,
          npm: npm.program,
          flags: [`--ignore-scripts=${!scripts}`],
          env,
          signal,
        });
        const { faults, facts } = await openDoors(project, here);
        // one install is kept for what follows: half a gigabyte each
        if (installed === undefined) installed = { project, npm: npm.program };
        else rmSync(project, { recursive: true, force: true });
        const [, added = '?'] = /added (\d+) packages/.exec(said) ?? [];
        return { faults, facts: { ...facts, npm: npm.version, packages: Number(added) } };
      });
  }
  if (installed === undefined) return; // the steps above say why
  for (const wanted of nodes)
    await step(`node ${wanted}`, async () => {
      const node = await nodeOf(wanted, scratch, { env, signal });
      const doors = await openDoors(installed.project, node);
      const options = { node: node.program, env: strangersEnv(process.env, node.program), signal };
      const live = await runRoles(installed.project, { ...options, text: roles });
      const walked = await runWalk(installed.project, { ...options, text: walk });
      return { faults: [...doors.faults, ...live.faults, ...walked], facts: { node: node.version } };
    });
  await step('sbom', async () => {
    const text = await billOf(installed.project, { npm: installed.npm, env });
    const bill = JSON.parse(text);
    if (flags.sbom !== undefined) writeFileSync(flags.sbom, text);
    return { faults: faultsOfBill(bill, manifest), facts: { components: bill.components.length } };
  });
}

/** Every path of the package loads, and its program says its version. */
async function openDoors(project, { version, program }) {
  const script = `const names = {};
    for (const path of ${JSON.stringify(paths)}) names[path] = Object.keys(await import(path)).length;
    console.log(JSON.stringify(names));`;
  const options = { cwd: project, env: strangersEnv(process.env, program), signal };
  const { stdout } = await run(program, ['--input-type=module', '-e', script], options);
  const names = JSON.parse(stdout);
  const faults = Object.entries(names)
    .filter(([, count]) => count === 0)
    .map(([path]) => `${path}: exports nothing`);
  const main = join(project, 'node_modules', manifest.name, manifest.bin.assay);
  const { stdout: said } = await run(program, [main, '--version'], options);
  if (said.split('\n')[0] !== manifest.version) faults.push(`assay --version says ${said.split('\n')[0]}`);
  return { faults, facts: { node: version, doors: Object.keys(names).length } };
}

/** Without anything optional the package works, and says for each part which command brings it. */
async function missedParts(project) {
  const { faults } = await openDoors(project, here);
  const optional = { ...manifest.optionalDependencies, ...manifest.peerDependencies };
  const options = { cwd: project, env, signal };
  const main = join(project, 'node_modules', manifest.name, manifest.bin.assay);
  const { stdout: version } = await run(here.program, [main, '--version'], options);
  const missing = Object.entries(optional).filter(([name]) =>
    version.includes(`install --ignore-scripts ${name}@`),
  );
  for (const [name, wanted] of missing)
    if (!version.includes(`npm install --ignore-scripts ${name}@${wanted}`))
      faults.push(`assay --version does not say how to install ${name} ${wanted}`);

  const commandOf = (name) => `npm install --ignore-scripts ${name}@${optional[name]}`;
  const script = `
    import { openCpu } from 'assay/compute';
    const log = Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, (_, facts) => console.log(JSON.stringify(facts))]));
    await openCpu({ log });
    process.exit(0);`;
  const asked = [
    ['onnxruntime-node', ['--input-type=module', '-e', script]],
    ['@acala-network/chopsticks', [main, 'localnet', 'start', '--runtime', 'spec.json']],
  ];
  const spec = { genesis: { raw: { top: { '0x3a636f6465': '0x00' } } } };
  writeFileSync(join(project, 'spec.json'), JSON.stringify(spec));
  for (const [name, args] of asked) {
    const { stdout = '', stderr = '' } = await run(here.program, args, options).catch((error) => error);
    if (!`${stdout}${stderr}`.includes(commandOf(name)))
      faults.push(`without ${name}: "${commandOf(name)}" is not in ${`${stdout}${stderr}`.slice(-300)}`);
  }
  return { faults, facts: { missing: missing.map(([name]) => name) } };
}

async function step(name, check) {
  signal.throwIfAborted();
  process.stderr.write(`package ${name} ... `);
  const started = performance.now();
  let result;
  try {
    result = await check();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    result = { faults: [lastLines(error)] };
  }
  const { faults = [], facts = {}, skipped } = result;
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  steps.push({ step: name, ok: faults.length === 0, ...(skipped && { skipped }), seconds, faults, facts });
  const state = faults.length > 0 ? 'FAILED' : skipped ? `skipped: ${skipped}` : 'ok';
  process.stderr.write(`${state} ${seconds} s\n`);
  if (flags.json) return;
  console.log(`package ${name}: ${state}${Object.keys(facts).length > 0 ? ` ${JSON.stringify(facts)}` : ''}`);
  for (const fault of faults) console.log(`  ${fault}`);
}
