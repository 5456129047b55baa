// What becomes of a registration by how far it came; the call itself is tested over a chain.
import { expect, test } from 'vitest';
import { createRegistration } from '../../../src/cli/miner-registration.js';
import { AssayError } from '../../../src/model/errors.js';
import { toNetuid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';

type Chain = Parameters<typeof createRegistration>[0]['chain'];
const never = new AbortController().signal;
const away = () => Promise.reject(new AssayError('unreachable', 'no node', { address: 'ws://node' }));

const buying = (chain: Partial<Record<'prices' | 'submit', unknown>>) =>
  createRegistration(
    {
      chain: { prices: async () => ({ registrationRao: 7n }), ...chain } as unknown as Chain,
      info: { type: 'development', name: 'localnet' } as never,
      log: silentLog,
    },
    { netuid: toNetuid(1), hotkey: '5F3sa2TJAWMqDhXG6jhV4N8ko9SxwGy8TpaNS1repo5EYjQX' },
    { wallet: '//Alice', limitRao: 10n },
    never,
  );

test('a node that is away before anything was signed is no registration that was tried', async () => {
  for (const chain of [{ prices: away }, { submit: away }]) {
    const register = await buying(chain);
    expect(await register(never)).toMatchObject({ is: 'unsent', error: { code: 'unreachable' } });
  }
});

test('of one that was signed nobody knows what became of it', async () => {
  const register = await buying({
    submit: async (
      _keypair: unknown,
      _call: unknown,
      { onSigned }: { onSigned(of: unknown): Promise<void> },
    ) => {
      await onSigned({ hash: '0x00', deathBlock: 9 });
      return away();
    },
  });
  await expect(register(never)).rejects.toMatchObject({ code: 'unreachable' });
});

test('one dearer than the limit is not signed at all', async () => {
  const register = await buying({ prices: async () => ({ registrationRao: 11n }), submit: away });
  expect(await register(never)).toEqual({ is: 'too-dear', costRao: 11n });
});
