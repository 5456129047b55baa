// Owns: System's calls and Timestamp's inherent.
import { runtime } from '../../chain/codec/runtime.js';
import { blake2b256 } from '../../chain/codec/storage.js';
import { badOrigin, ensureSigned, type Handlers } from '../dispatch.js';

export const systemHandlers: Handlers<'System'> = {
  remark(_args, { origin }) {
    ensureSigned(origin);
  },
  remark_with_event({ remark }, { origin, emit }) {
    const sender = ensureSigned(origin);
    emit({ pallet: 'System', name: 'Remarked', data: { sender, hash: blake2b256(remark) } });
  },
};

export const timestampHandlers: Handlers<'Timestamp'> = {
  set({ now }, { origin, state }) {
    if (origin.type !== 'none') throw badOrigin();
    state.put(runtime.Timestamp.storage.Now, [], now);
  },
};
