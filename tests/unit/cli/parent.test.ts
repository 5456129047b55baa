import { fork } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

const PARENT = new URL('../../../src/cli/parent.ts', import.meta.url).href;

test('a role says amounts and bytes to who started it, for which the channel between them has no form', async () => {
  const role = `
    const { tellParent } = await import(${JSON.stringify(PARENT)});
    tellParent({ status: { stakeRao: 10n ** 20n, digest: new Uint8Array([1, 255]), absent: undefined, epoch: 3 } });
  `;
  const child = fork('-e', [role], {
    execArgv: ['--import', import.meta.resolve('tsx'), '--input-type=module'],
  });
  try {
    const [message] = await once(child, 'message', { signal: AbortSignal.timeout(30_000) });
    expect(message).toEqual({ status: { stakeRao: '100000000000000000000', digest: '0x01ff', epoch: 3 } });
  } finally {
    child.kill('SIGKILL');
  }
});
