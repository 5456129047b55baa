import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { createNodeSandbox } from '../../../src/sandbox/node-child.js';
import type { SandboxLimits } from '../../../src/sandbox/sandbox.js';

const limits: SandboxLimits = { cpuSeconds: 1, memoryMiB: 64, outputChars: 1000 };
const { signal } = new AbortController();
const sandbox = createNodeSandbox();
const run = (program: string) => sandbox.run(program, limits, signal);
let missing: string | undefined;

beforeAll(async () => {
  const first = await run(`''`);
  if (first.kind === 'fault') {
    // asked in another way, so that a sandbox that broke is no reason to skip its tests
    const flags = ['--user', '--map-root-user', '--net', '--mount', '--pid', '--fork'];
    const able = spawnSync('unshare', [...flags, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
    if (able) throw new Error(`this machine has namespaces, but: ${first.why}`);
    missing = first.why;
    console.log(`programs in a sandbox: skipped, ${missing}`);
  }
});

describe('a program in the sandbox', () => {
  const confined = (name: string, work: () => Promise<void>) =>
    test(name, async (context) => {
      if (missing !== undefined) context.skip();
      await work();
    });

  confined('gives the value of its last statement', async () => {
    expect(await run('const f = (a, b) => a * b;\n[[6, 7], [2, 3]].map(([a, b]) => f(a, b)).join()')).toEqual(
      {
        kind: 'value',
        value: '42,6',
      },
    );
  });

  confined('that throws, does not parse or gives no string is said to have thrown', async () => {
    for (const program of ['throw 1', '(((', '42', 'const f = () => f(); f()', '\0'])
      expect(await run(program)).toEqual({ kind: 'threw' });
  });

  confined('has no clock, no randomness and nothing of Node', async () => {
    const names = [
      'Date',
      'Math.random',
      'process',
      'require',
      'console',
      'WebAssembly',
      'Atomics',
      'fetch',
      'Intl',
    ];
    const program = `[${names.map((name) => `typeof ${name}`).join()}].join()`;
    expect(await run(program)).toEqual({ kind: 'value', value: names.map(() => 'undefined').join() });
  });

  confined('makes no code of text: the way out of a realm by its constructors', async () => {
    expect(await run(`this.constructor.constructor('return process')()`)).toEqual({ kind: 'threw' });
    expect(await run(`eval('1'); ''`)).toEqual({ kind: 'threw' });
  });

  confined('that does not end is ended by the kernel', async () => {
    expect(await run('for (;;);')).toEqual({ kind: 'limit', which: 'ended' });
  });

  confined('that fills its heap is ended; one that asks for too large a buffer gets none', async () => {
    expect(await run('const a = []; for (;;) a.push(new Array(10000).fill(1.5))')).toEqual({
      kind: 'limit',
      which: 'ended',
    });
    expect(await run(`new ArrayBuffer(1e9); 'got it'`)).toEqual({ kind: 'threw' });
  });

  confined('that says too much is not listened to', async () => {
    expect(await run(`'x'.repeat(1000)`)).toEqual({ kind: 'value', value: 'x'.repeat(1000) });
    expect(await run(`'x'.repeat(1001)`)).toEqual({ kind: 'limit', which: 'output' });
  });

  confined('is ended when nobody waits for it any more', async () => {
    const given = new AbortController();
    const running = sandbox.run('for (;;);', { ...limits, cpuSeconds: 30 }, given.signal);
    given.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });
});

test('without namespaces every program is a fault with the reason, and none runs', async () => {
  const unable = createNodeSandbox({ unshare: '/nonexistent/unshare' });
  const result = await unable.run(`'ran'`, limits, signal);
  expect(result.kind).toBe('fault');
  expect(result).toMatchObject({ why: expect.stringContaining('cannot shut a program in') });
});

test('a tool that shuts nothing in is found out by what a process could do', async () => {
  // stands for a machine whose namespaces are not what they say: it runs the command without any
  const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const folder = mkdtempSync(join(tmpdir(), 'assay-sandbox-'));
  const open = join(folder, 'unshare');
  // the last arguments are node's own: shift to the script's, drop node's path, time and memory
  writeFileSync(
    open,
    '#!/bin/sh\nwhile [ "$1" != -c ]; do shift; done\nshift 3\nnode=$1\nshift 3\nexec "$node" "$@"\n',
    { mode: 0o755 },
  );
  try {
    const result = await createNodeSandbox({ unshare: open }).run(`'ran'`, limits, signal);
    expect(result.kind).toBe('fault');
    expect(result).toMatchObject({ why: expect.stringMatching(/network|more than it should/) });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
