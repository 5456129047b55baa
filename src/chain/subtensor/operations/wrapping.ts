// Owns: calls inside calls: batches, sudo, proxies. Does not own: finding out what failed inside (../operate.ts).
import { fromAddress } from '../../../keys/ss58.js';
import { AssayError } from '../../../model/errors.js';
import { holdsSudo } from './checks.js';
import { type Check, type Effect, emitted, type Operation, operation, type State } from './operation.js';

/** `interrupt`: stops at the first failure and keeps what went before. `all`: all or nothing. `force`: goes on. */
export type BatchMode = 'interrupt' | 'all' | 'force';
const BATCH_CALLS = { interrupt: 'batch', all: 'batch_all', force: 'force_batch' } as const;

/**
 * Several calls of one signer in one extrinsic. The first is looked at beforehand like a single one; of the others only what
 * no state decides, for those before them may make possible what is not yet. A `force` batch is not looked at: it goes on
 * whatever fails.
 * @throws RangeError for an empty batch, or one inside another, which the chain refuses
 */
export function batch(operations: readonly Operation[], mode: BatchMode): Operation {
  if (operations.length === 0) throw new RangeError('batch: expected at least one call');
  if (operations.some(({ pallet, items }) => pallet === 'Utility' && items))
    throw new RangeError('batch: expected no batch inside a batch');
  return operation(
    'Utility',
    BATCH_CALLS[mode],
    { calls: operations },
    {
      signer: operations[0]?.signer ?? 'coldkey',
      checks:
        mode === 'force' ? [] : operations.flatMap(({ checks }, i) => (i === 0 ? checks : checks.map(blind))),
      ...(mode === 'all'
        ? { effects: operations.flatMap(({ effects }) => effects) }
        : {
            items: {
              rule: 'utility' as const,
              of: operations.map(({ pallet, name, effects }) => ({ label: `${pallet}.${name}`, effects })),
            },
          }),
    },
  );
}

/** The same check without a state to read: it passes where it would have to. */
const blind =
  (check: Check): Check =>
  async (state) => {
    try {
      return await check({
        ...state,
        has: unseen,
        get: unseen,
        stored: unseen,
        integer: unseen,
        flag: unseen,
        account: unseen,
        api: unseen,
      });
    } catch (error) {
      if (error === UNSEEN) return undefined;
      throw error;
    }
  };

const UNSEEN = new AssayError('chain-unknown', 'this state is not known yet', {
  what: 'state within a batch',
});
const unseen = (): never => {
  throw UNSEEN;
};

/** Made by the chain itself, at the word of its sudo key. */
export const asSudo = (inner: Operation): Operation =>
  operation(
    'Sudo',
    'sudo',
    { call: inner },
    {
      signer: 'root',
      checks: [
        holdsSudo,
        ...inner.checks.map(
          (check): Check =>
            (state) =>
              check({ ...state, byRoot: true }),
        ),
      ],
      effects: [...inner.effects, emitted('Sudid', [], 'Sudo')],
      ...(inner.items ? { items: inner.items } : {}),
    },
  );

/**
 * Made for `real` by its proxy, who signs.
 * @param kind the proxy's kind, where the account has several @default any that it has
 */
export function asProxy(real: string, inner: Operation, kind?: string): Operation {
  fromAddress(real);
  const behalf = (state: State): State => ({ ...state, signer: real });
  const behalfOf =
    (effect: Effect): Effect =>
    (seen) =>
      effect({ ...seen, after: behalf(seen.after) });
  return operation(
    'Proxy',
    'proxy',
    { real: { Id: real }, force_proxy_type: kind, call: inner },
    {
      signer: inner.signer,
      checks: [
        isProxyOf(real, kind),
        ...inner.checks.map(
          (check): Check =>
            (state) =>
              check(behalf(state)),
        ),
      ],
      effects: [...inner.effects.map(behalfOf), emitted('ProxyExecuted', [], 'Proxy')],
      ...(inner.items
        ? {
            items: {
              ...inner.items,
              of: inner.items.of.map((item) => ({ ...item, effects: item.effects.map(behalfOf) })),
            },
          }
        : {}),
    },
  );
}

const isProxyOf =
  (real: string, kind: string | undefined): Check =>
  async (state) => {
    const proxies = await state.get('Proxy.Proxies', real);
    // (Vec<ProxyDefinition>, deposit)
    const [list] = (proxies ?? [[]]) as [readonly { delegate: string; proxyType: { kind: string } }[]];
    const found = list.some(
      ({ delegate, proxyType }) =>
        delegate === state.signer && (kind === undefined || proxyType.kind === kind),
    );
    return found ? undefined : { error: 'NotProxy', detail: `${state.signer} is no proxy of ${real}` };
  };
