// Owns: a real Redis of a test's own on loopback, which keeps nothing; and whether this machine has one. Does not own: what is kept in it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** Undefined where there is a redis-server on the PATH. */
export const NO_REDIS: string | undefined =
  spawnSync('redis-server', ['--version']).status === 0 ? undefined : 'no redis-server on the PATH';
if (NO_REDIS !== undefined) process.stderr.write(`SKIPPED: tests over Redis: ${NO_REDIS}\n`);

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** SIGKILL; what it held is gone */
  kill(): Promise<void>;
  /** again at the same port, empty */
  start(): Promise<void>;
  /** a plain connection, for tests that meddle with it; closed with it */
  client(): Redis;
  close(): Promise<void>;
}

export async function startRedis({ password }: { readonly password?: string } = {}): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'assay-redis-'));
  const port = await freePort();
  const auth = password === undefined ? [] : ['--requirepass', password];
  const url = `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`;
  const clients = new Set<Redis>();
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const child = spawn(
      'redis-server',
      ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir, ...auth],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    server = child;
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stdout.on('data', (text: Buffer) => {
        said += text;
        if (said.includes('Ready to accept connections')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}: ${said}`)));
    });
  }

  async function kill(): Promise<void> {
    const child = server;
    server = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  await start();
  return {
    url,
    port,
    kill,
    start,
    client() {
      const client = new Redis(url, { maxRetriesPerRequest: 1 });
      client.on('error', () => {}); // it is killed on purpose
      clients.add(client);
      return client;
    },
    async close() {
      for (const client of clients) client.disconnect();
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
