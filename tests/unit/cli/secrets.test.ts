import { describe, expect, test } from 'vitest';
import { assertOwnKey, loadKey } from '../../../src/cli/assemble.js';
import { accountOf } from '../../../src/cli/commands/localnet.js';
import { silentLog } from '../../../src/model/log.js';

const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
const SEED = `0x${'ab'.repeat(32)}`;

describe('what may be a secret', () => {
  test.each([PHRASE, SEED, SEED.slice(2)])(
    'is refused in place of a hotkey or an account, and not repeated',
    async (secret) => {
      for (const refused of [loadKey({ hotkey: secret }, silentLog), accountOf(secret)]) {
        const error: unknown = await refused.catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: 'invalid-input' });
        expect(JSON.stringify([String(error), error])).not.toContain(secret.slice(0, 12));
      }
    },
  );
});

describe('the key of a role', () => {
  test('is no development URI on a live chain', () => {
    const live = { type: 'live', name: 'Bittensor' } as Parameters<typeof assertOwnKey>[1];
    expect(() => assertOwnKey({ hotkey: '//Alice' }, live)).toThrow('everybody has the keys');
    expect(() => assertOwnKey({ hotkey: './hotkey' }, live)).not.toThrow();
    expect(() => assertOwnKey({ hotkey: '//Alice' }, { ...live, type: 'local' })).not.toThrow();
  });
});
