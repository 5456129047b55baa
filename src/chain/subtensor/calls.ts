// Owns: calls by name under live metadata: which form this chain has, and the arguments in its order.
// Does not own: signing (submit.ts), what calls mean (operations/).
import { stringCamelCase } from '@polkadot/util';
import { toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import type { Connection } from './connection.js';
import type { Arg, CallForm, Operation } from './operations/operation.js';

/** A call by the chain's own names; arguments in the metadata's order. */
export interface Call {
  readonly pallet: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

export const nameOf = ({ pallet, name }: Pick<Call, 'pallet' | 'name'>): string => `${pallet}.${name}`;

interface Argument {
  /** camelCase, as the registry has it; without the underscore of arguments that a runtime does not use (any more) */
  readonly name: string;
  readonly isOption: boolean;
}

/** What the chain's call takes, in its order; undefined when it has no such call. */
function argumentsOf({ api }: Connection, { pallet, name }: Pick<CallForm, 'pallet' | 'name'>) {
  const create = api.tx[stringCamelCase(pallet)]?.[stringCamelCase(name)];
  return create?.meta.args.map(
    (arg): Argument => ({
      name: stringCamelCase(arg.name.toString()),
      isOption: /^Option</.test(arg.type.toString()),
    }),
  );
}

const byRegistryName = (args: CallForm['args']): CallForm['args'] =>
  Object.fromEntries(Object.entries(args).map(([name, value]) => [stringCamelCase(name), value]));

/** True when the chain takes this form: it has the call, knows each argument given, and wants none that is not. */
const hasForm = (connection: Connection, call: CallForm): boolean => misfit(connection, call) === undefined;

/** Why the chain would not understand it; undefined when it would. */
function misfit(connection: Connection, call: CallForm): string | undefined {
  const wanted = argumentsOf(connection, call);
  if (!wanted) return `it has no call ${nameOf(call)}`;
  const given = Object.keys(byRegistryName(call.args));
  const unknown = Object.keys(call.args).filter(
    (name) => !wanted.some((argument) => argument.name === stringCamelCase(name)),
  );
  if (unknown.length > 0) return `its ${nameOf(call)} has no argument ${unknown.join(', ')}`;
  const missing = wanted.filter(({ name, isOption }) => !isOption && !given.includes(name));
  if (missing.length > 0)
    return `its ${nameOf(call)} wants ${missing.map(({ name }) => name).join(', ')}, which this client does not know`;
  return undefined;
}

/**
 * The first form that the chain takes, its arguments in the metadata's order. What the client does not know is never
 * guessed: an argument that a newer runtime requires is an error, an Option that it added is None.
 * @throws AssayError `unsupported` when it takes none
 */
export function toCall(
  connection: Connection,
  operation: Pick<Operation, keyof CallForm | 'otherwise'>,
): Call {
  const forms: readonly CallForm[] = [operation, ...(operation.otherwise ?? [])];
  const fits = forms.find((form) => hasForm(connection, form));
  if (!fits) {
    const why = [...new Set(forms.map((form) => misfit(connection, form)))].join('; ');
    throw new AssayError('unsupported', `this chain cannot do ${nameOf(operation)}: ${why}`, {
      what: nameOf(operation),
      why,
    });
  }
  const { pallet, name } = fits;
  const args = byRegistryName(fits.args);
  const wanted = argumentsOf(connection, fits) ?? [];
  return { pallet, name, args: wanted.map((argument) => toCodecValue(connection, args[argument.name])) };
}

/**
 * As the registry's constructors want it. Bytes go in as hex: a Uint8Array would be read as SCALE with its length in
 * front, and a text that starts with 0x as hex.
 */
function toCodecValue(connection: Connection, value: Arg): unknown {
  if (value === undefined) return null; // None
  if (value instanceof Uint8Array) return `0x${toHex(value)}`;
  if (Array.isArray(value)) return value.map((element: Arg) => toCodecValue(connection, element));
  if (typeof value !== 'object') return value;
  if (isCall(value)) return createMethod(connection, toCall(connection, value));
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, toCodecValue(connection, field as Arg)]), // Arg by its type
  );
}

const isCall = (value: object): value is CallForm => 'pallet' in value && 'name' in value && 'args' in value;

/**
 * @throws AssayError `chain-unknown` for no such call, `unsupported` for a variant that this runtime's type has not,
 *   `invalid-input` for arguments that do not encode
 */
export function createExtrinsic({ api }: Pick<Connection, 'api'>, call: Call) {
  const create = api.tx[stringCamelCase(call.pallet)]?.[stringCamelCase(call.name)];
  if (!create)
    throw new AssayError('chain-unknown', `the chain has no call ${nameOf(call)}`, {
      what: `call ${nameOf(call)}`,
    });
  try {
    return create(...call.args);
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    const [, variant] = /Cannot map Enum [^']*'(\w+)'/.exec(got) ?? [];
    if (variant !== undefined) {
      const why = `its ${nameOf(call)} knows no ${variant}`;
      throw new AssayError(
        'unsupported',
        `this chain cannot do ${nameOf(call)}: ${why}`,
        { what: nameOf(call), why },
        { cause },
      );
    }
    // wrong number or type of arguments for this runtime's metadata
    throw new AssayError(
      'invalid-input',
      `${nameOf(call)}: ${got.slice(0, 300)}`,
      { what: `arguments of ${nameOf(call)}`, expected: 'what the metadata says', got: got.slice(0, 300) },
      { cause },
    );
  }
}

const createMethod = (connection: Connection, call: Call) => createExtrinsic(connection, call).method;
