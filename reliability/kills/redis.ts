// Owns: a redis-server that comes back at its port when it is killed, with what it kept on disk or without. Does not own: what is in it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';

const SERVER = 'redis-server';

export const hasRedis = (): boolean => spawnSync(SERVER, ['--version']).status === 0;

export interface KilledRedis {
  readonly port: number;
  readonly pid: number;
  /** SIGKILL; it comes back by itself. @param forgets without anything that it kept */
  kill(forgets: boolean): void;
  /** Ends it for good. */
  close(): Promise<void>;
}

/** @param on told when it takes connections, again each time, and when it ended by itself */
export async function startRedis(
  dir: string,
  on: { readonly ready: () => void; readonly died: (how: string) => void },
): Promise<KilledRedis> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  let isWanted = true;
  let isOurs = false;
  let mustForget = false;

  const launch = (): Promise<void> =>
    new Promise((resolve, reject) => {
      mkdirSync(dir, { recursive: true });
      const place = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir];
      const launched = spawn(SERVER, [...place, '--save', '', '--appendonly', 'yes'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      child = launched;
      launched.once('error', reject);
      let said = ''; // a piece of what it says may end within these words
      const look = (text: Buffer): void => {
        said = (said + text.toString()).slice(-4096);
        if (!said.includes('Ready to accept connections')) return;
        launched.stdout.off('data', look).resume();
        on.ready();
        resolve();
      };
      launched.stdout.on('data', look);
      launched.once('exit', (code, signal) => {
        if (!isOurs && isWanted) on.died(signal ?? `exit code ${code}`);
        isOurs = false;
        if (!isWanted) return;
        if (mustForget) rmSync(dir, { recursive: true, force: true });
        mustForget = false;
        launch().catch((error: unknown) => on.died(String(error)));
      });
    });

  await launch();
  return {
    port,
    get pid() {
      return child?.pid ?? -1;
    },
    kill(forgets) {
      isOurs = true;
      mustForget = forgets;
      child?.kill('SIGKILL');
    },
    async close() {
      isWanted = false;
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child?.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number }; // of a TCP server
      server.close(() => resolve(port));
    });
  });
