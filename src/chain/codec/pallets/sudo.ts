// Owns: pallet Sudo (12).
import { call, definePallet, event } from '../pallet.js';
import { type Codec, option } from '../scale.js';
import { optionalValue, storageOf } from '../storage.js';
import { accountId, dispatchResult, multiAddress } from '../types.js';

/** `runtimeCall` comes from runtime.ts: sudo wraps a call of any pallet. */
export const sudoPallet = <C>(runtimeCall: Codec<C>) =>
  definePallet({
    name: 'Sudo',
    index: 12,
    storage: storageOf('Sudo', { Key: optionalValue(accountId) }),
    calls: {
      sudo: call(0, { call: runtimeCall }),
      set_key: call(2, { new: multiAddress }),
    },
    events: {
      Sudid: event(0, { sudo_result: dispatchResult }),
      KeyChanged: event(1, { old: option(accountId), new: accountId }),
    },
    errors: [['RequireSudo', 0]],
    constants: {},
  });
