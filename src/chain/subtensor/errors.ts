// Owns: the one place where RPC, pool and dispatch errors become ours.
import type { DispatchError } from '@polkadot/types/interfaces';
import type { Registry } from '@polkadot/types/types';
import { AssayError } from '../../model/errors.js';
import { ERRORS_EXPLAINED } from '../errors-explained.js';
import type { Refusal } from './operations/operation.js';

/**
 * InvalidTransaction::Custom(n) of Subtensor's pool checks (transaction_error.rs). Two codes stand for several
 * errors; NARROWED names the one that a call can mean.
 */
const CUSTOM: Readonly<Record<number, string>> = {
  0: 'ColdkeyInSwapSchedule',
  1: 'StakeAmountTooLow',
  2: 'BalanceTooLow',
  3: 'SubnetNotExists',
  4: 'HotkeyAccountDoesntExist',
  5: 'NotEnoughStakeToWithdraw',
  6: 'RateLimitExceeded',
  7: 'InsufficientLiquidity',
  8: 'SlippageTooHigh',
  9: 'TransferDisallowed',
  10: 'HotKeyNotRegisteredInNetwork',
  11: 'InvalidIpAddress',
  12: 'ServingRateLimitExceeded',
  13: 'InvalidPort',
  14: 'ZeroMaxAmount',
  15: 'InvalidRevealRound',
  16: 'CommitNotFound',
  17: 'CommitBlockNotInRevealRange',
  18: 'InputLengthsUnequal',
  19: 'UidNotFound',
  20: 'EvmKeyAssociateRateLimitExceeded',
  21: 'ColdkeySwapDisputed',
  22: 'InvalidRealAccount',
  23: 'FailedShieldedTxParsing',
  24: 'InvalidShieldedTxPubKeyHash',
  25: 'NonAssociatedColdKey',
  26: 'DelegateTakeTooLow',
  27: 'DelegateTakeTooHigh',
  255: 'BadRequest',
};

/** The name the same refusal has as a module error, so that a caller need not care where the chain noticed. */
const NARROWED: Readonly<Record<string, string>> = {
  ...narrowed(
    [
      'set_weights',
      'set_mechanism_weights',
      'batch_set_weights',
      'reveal_weights',
      'reveal_mechanism_weights',
      'batch_reveal_weights',
    ],
    'SettingWeightsTooFast',
  ),
  ...narrowed(
    [
      'commit_weights',
      'commit_mechanism_weights',
      'batch_commit_weights',
      'commit_timelocked_weights',
      'commit_timelocked_mechanism_weights',
    ],
    'CommittingWeightsTooFast',
  ),
  'register_network:6': 'NetworkTxRateLimitExceeded',
  'register_network_with_identity:6': 'NetworkTxRateLimitExceeded',
};

/** What the codes that weights calls share mean for them. */
function narrowed(calls: readonly string[], tooFast: string): Record<string, string> {
  return Object.fromEntries(
    calls.flatMap((call) => [
      [`${call}:1`, 'NotEnoughStakeToSetWeights'],
      [`${call}:6`, tooFast],
      [`${call}:19`, 'HotKeyNotRegisteredInSubNet'],
    ]),
  );
}

/** sp_runtime InvalidTransaction and UnknownTransaction, by the text that a node sends for them. */
const POOL_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/outdated|stale/i, 'Stale'],
  [/valid in the future|\bfuture\b/i, 'Future'],
  [/bad signature|bad proof/i, 'BadProof'],
  [/signing address/i, 'BadSigner'],
  [/inability to pay|payment/i, 'Payment'],
  [/ancient birth/i, 'AncientBirthBlock'],
  [/exhaust/i, 'ExhaustsResources'],
  [/call is not expected/i, 'Call'],
];

/** sc_rpc author errors that are no verdict on the call itself. */
const POOL_CODES: Readonly<Record<number, string>> = {
  1001: 'BadFormat',
  1002: 'Verification',
  1011: 'UnknownValidity',
  1012: 'TemporarilyBanned',
  1013: 'AlreadyImported',
  1014: 'TooLowPriority',
  1015: 'CycleDetected',
  1016: 'ImmediatelyDropped',
  1017: 'Unactionable',
};

export interface ErrorContext {
  readonly url: string;
  /** the RPC method, or what was being done */
  readonly what: string;
  /** the extrinsic's call, when one was being submitted */
  readonly call?: string;
}

/** What a request was refused with, as ours; what the socket says of itself (socket.ts) is ours already. */
export function toChainError(error: unknown, { url, what, call }: ErrorContext): AssayError {
  if (error instanceof AssayError) return error; // translated nearer to its cause
  const cause = error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const data = error instanceof Error && 'data' in error ? error.data : undefined;

  // the node looked at the extrinsic and refused it: nothing changed
  if (call !== undefined && typeof code === 'number') {
    const name = poolErrorName(code, `${message} ${typeof data === 'string' ? data : ''}`, call);
    if (name !== undefined) return rejected(call, name, cause);
  }
  // a block or state that the node does not have: never seen, or pruned
  if (
    /UnknownBlock|unknown block|block (was )?not found|header was not found|state already discarded/i.test(
      message,
    )
  )
    return new AssayError(
      'chain-unknown',
      `${what}: ${message}`,
      { what: `block asked for by ${what}` },
      { cause },
    );
  if (code === -32601)
    return new AssayError(
      'unsupported',
      `the node at ${url} has no ${what}`,
      { what, why: 'the node does not serve this method' },
      { cause },
    );
  // any other answer is the node's refusal in its own words
  if (typeof code === 'number')
    return new AssayError('refused', `${what}: ${message}`, { reason: message.slice(0, 300) }, { cause });
  return new AssayError(
    'internal',
    `${what}: ${message}`,
    { what: `${what}: ${message.slice(0, 300)}` },
    { cause },
  );
}

export const unreachable = (url: string, cause?: unknown): AssayError<'unreachable'> =>
  new AssayError('unreachable', `the chain at ${url} cannot be reached`, { address: url }, { cause });

/** A refusal by the chain's own name, with what it means and what to do where that is known. */
export interface Explained {
  readonly error: string;
  readonly means?: string;
  readonly remedy?: string;
}

/** @param error the name, or what `dispatchError` made of it. @param cause what the node said */
export const rejected = (
  call: string,
  error: string | Explained,
  cause?: unknown,
): AssayError<'chain-rejected'> => {
  const data = typeof error === 'string' ? explain(error) : error;
  return new AssayError(
    'chain-rejected',
    `the chain rejected ${call}: ${data.error}`,
    { call, ...data },
    { cause },
  );
};

/** The same before anything was signed. */
export function wouldReject(call: string, { error, detail, atBlock }: Refusal): AssayError<'chain-rejected'> {
  const when = atBlock === undefined ? '' : `; possible from block ${atBlock}`;
  return new AssayError(
    'chain-rejected',
    `${call} was not sent, the chain would reject it: ${error} (${detail}${when})`,
    { call, ...explain(error), unsent: true, ...(atBlock === undefined ? {} : { atBlock }) },
  );
}

/** Names that several pallets have are SubtensorModule's first: nearly every call is. */
const PLACES = Object.keys(ERRORS_EXPLAINED);

/** @param pallet that the error is of, where known */
export function explain(error: string, pallet?: string): Explained {
  const [place, name] = error.includes('.') ? (error.split('.') as [string, string]) : [pallet, error];
  const tables = place === undefined ? PLACES : [place];
  for (const table of tables) {
    const found = ERRORS_EXPLAINED[table]?.[name];
    if (found) return { error, ...found };
  }
  return { error };
}

/**
 * With the metadata's own words where the table has none. A runtime's error is looked up under its name, never its
 * number: positions shift between runtimes.
 */
export function explainDispatch(registry: Registry, error: DispatchError): Explained {
  const name = dispatchErrorName(registry, error);
  if (!error.isModule) return explain(name, name.includes('.') ? undefined : 'Dispatch');
  try {
    const { section, docs } = registry.findMetaError(error.asModule);
    const explained = explain(name, section.charAt(0).toUpperCase() + section.slice(1));
    const said = docs.join(' ').replace(/\s+/g, ' ').trim();
    return explained.means !== undefined || said === '' ? explained : { error: name, means: said };
  } catch {
    return { error: name }; // named by its numbers
  }
}

/** InvalidTransaction as SCALE has it: one byte for the variant, one more for Custom. */
export function explainInvalid(bytes: Uint8Array, call: string): Explained {
  const [variant = 255, code = 255] = bytes;
  const name =
    variant === 7 ? customName(code, call) : (INVALID[variant] ?? `InvalidTransaction(${variant})`);
  return explain(name);
}

/** sp_runtime InvalidTransaction, in order; 7 is Custom(u8). */
const INVALID = [
  'Call',
  'Payment',
  'Future',
  'Stale',
  'BadProof',
  'AncientBirthBlock',
  'ExhaustsResources',
  'Custom',
  'BadMandatory',
  'MandatoryValidation',
  'BadSigner',
  'IndeterminateImplicit',
  'UnknownOrigin',
];

const customName = (code: number, call: string): string =>
  NARROWED[`${callName(call)}:${code}`] ?? CUSTOM[code] ?? `Custom(${code})`;

/** undefined when `code` is none of the pool's */
function poolErrorName(code: number, text: string, call: string): string | undefined {
  if (code === 1010) {
    const custom = /custom error:?\s*(\d+)/i.exec(text);
    if (custom) return customName(Number(custom[1]), call);
    return (
      POOL_TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? `InvalidTransaction(${text.slice(0, 120)})`
    );
  }
  return POOL_CODES[code];
}

const callName = (call: string): string => call.slice(call.indexOf('.') + 1);

/** True when the pool refused because of the nonce alone: the account's counter must be read again. */
export function isNonceError(error: unknown): boolean {
  return (
    error instanceof AssayError &&
    error.code === 'chain-rejected' &&
    'error' in error.data &&
    (error.data.error === 'Stale' || error.data.error === 'TooLowPriority')
  );
}

/** `SettingWeightsTooFast` for a module error, `Token.FundsUnavailable`, `BadOrigin`, ...: the metadata's names. */
export function dispatchErrorName(registry: Registry, error: DispatchError): string {
  if (error.isModule) {
    try {
      return registry.findMetaError(error.asModule).name;
    } catch {
      // a runtime newer than our metadata: keep the numbers, they can be looked up
      return `Module(${error.asModule.index.toString()}, ${error.asModule.error.toHex()})`;
    }
  }
  if (error.isToken) return `Token.${error.asToken.type}`;
  if (error.isArithmetic) return `Arithmetic.${error.asArithmetic.type}`;
  return error.type;
}
