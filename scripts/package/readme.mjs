// Owns: the examples of README.md, run in a project that has the package, by any Node.js. Does not own: such projects (projects.mjs).
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { toJavaScript } from './promises.mjs';

const run = promisify(execFile);
const LIVE_MS = 120_000;
const WALK_MS = 240_000;

/** Programs in the order of the page: the roles, then the walk in one process. */
export const examplesIn = (readme) => [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text);

/** @throws where the page says it no longer, so that the example would run against somebody's real chain */
function replaced(text, from, to) {
  if (!text.includes(from)) throw new Error(`the README's example has no ${from} any more`);
  return text.replace(from, to);
}

/** Ends when the miner's address is on the chain: key, chain, device, slot and port all worked by then. */
const WATCH = `
import { connectSubtensor } from 'assay/chain';
import { silentLog as log, systemClock as clock } from 'assay/model';
const [url, port] = process.argv.slice(2);
const chain = await connectSubtensor({ url, log, clock });
for (;;) {
  const { neurons } = await chain.subnet(1);
  const found = neurons.find(({ axon }) => axon?.port === Number(port));
  if (found) {
    console.log(JSON.stringify(found.axon));
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 250));
}
await chain.close();
`;

/**
 * Miner and validator of the README, on a localnet that the package's own program runs.
 * @returns faults, and the axon that the chain has
 */
export async function runRoles(project, { text, node, env, signal }) {
  const folder = join(project, `roles-${process.hrtime.bigint()}`);
  mkdirSync(folder);
  const own = AbortSignal.any([signal, AbortSignal.timeout(LIVE_MS)]);
  const options = { cwd: folder, env, signal: own };
  const children = [];
  const begin = (args) => {
    const child = spawn(node, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    child.on('error', () => {}); // the signal's: told by whoever waits
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (more) => {
      said = `${said}${more}`.slice(-2000);
    });
    children.push(child);
    return { child, said: () => said };
  };
  try {
    const program = join(project, 'node_modules/assay/dist/cli/main.js');
    const { child: localnet } = begin([program, 'localnet', 'start', '--port', '0', '--json']);
    const [line] = await once(createInterface({ input: localnet.stdout }), 'line', { signal: own });
    const { url } = JSON.parse(line);
    await run(node, [join(project, 'node_modules/assay/docs/guide/open-subnet.mjs'), url], options);
    const port = await freePort('127.16.0.1');
    const example = replaced(replaced(text, 'ws://127.0.0.1:9944', url), 'port: 8091', `port: ${port}`);
    writeFileSync(join(folder, 'roles.mjs'), toJavaScript(example));
    writeFileSync(join(folder, 'watch.mjs'), WATCH);
    const roles = begin(['roles.mjs']);
    const ended = once(roles.child, 'exit', { signal: own }).then(([code]) => {
      throw new Error(`the example ended with ${code}: ${roles.said()}`);
    });
    const watching = run(node, ['watch.mjs', url, String(port)], options);
    const { stdout } = await Promise.race([watching, ended]);
    const faults = existsSync(join(folder, 'ledger')) ? [] : ['the validator made no ledger'];
    return { faults, axon: JSON.parse(stdout) };
  } catch (error) {
    if (signal.aborted) throw error;
    const what = own.aborted ? `no axon on the chain within ${LIVE_MS / 1000} s` : lastLines(error);
    return { faults: [what] };
  } finally {
    for (const child of children.reverse()) await killed(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The walk in one process; what it prints begins with whether every check held. */
export async function runWalk(project, { text, node, env, signal }) {
  const file = join(project, `walk-${process.hrtime.bigint()}.mjs`);
  writeFileSync(file, toJavaScript(text));
  try {
    const { stdout } = await run(node, [file], { cwd: project, env, signal, timeout: WALK_MS });
    return stdout.startsWith('true ') ? [] : [`printed ${stdout.slice(0, 200)}`];
  } catch (error) {
    if (signal.aborted) throw error;
    return [lastLines(error)];
  } finally {
    rmSync(file, { force: true });
  }
}

export const lastLines = (error) =>
  `${error.stderr?.trim().split('\n').slice(-6).join(' | ') || error.message}`.slice(0, 800);

async function killed(child) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const over = once(child, 'exit');
  child.kill('SIGKILL');
  await over;
}

async function freePort(host) {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
