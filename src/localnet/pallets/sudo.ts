// Owns: Sudo: a call as root by the one key that may.
import { runtime } from '../../chain/codec/runtime.js';
import { type CallContext, ensureSigned, type Handlers, moduleError } from '../dispatch.js';
import { lookup } from './balances.js';

const { Key } = runtime.Sudo.storage;

export const sudoHandlers: Handlers<'Sudo'> = {
  /** The inner result is told by the event: the extrinsic succeeds even when the inner call fails. */
  sudo({ call }, context) {
    ensureSudoKey(context);
    const error = context.dispatch(call, { type: 'root' });
    const sudo_result = error
      ? ({ type: 'Err', value: [error] } as const)
      : ({ type: 'Ok', value: [undefined] } as const);
    context.emit({ pallet: 'Sudo', name: 'Sudid', data: { sudo_result } });
  },
  set_key(args, context) {
    const old = ensureSudoKey(context);
    const key = lookup(args.new);
    context.state.put(Key, [], key);
    context.emit({ pallet: 'Sudo', name: 'KeyChanged', data: { old, new: key } });
  },
};

function ensureSudoKey({ origin, state }: CallContext): string {
  const who = ensureSigned(origin);
  if (who !== state.get(Key)) throw moduleError('Sudo', 'RequireSudo');
  return who;
}
