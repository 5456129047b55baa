// Owns: calls of runtime APIs under live metadata. Does not own: what the answers are used for.
import { concat, fromHex, toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import type { Connection } from './connection.js';
import { plainOf } from './plain.js';
import type { Runtime } from './runtime.js';

/** `Trait_method`, as state_call names it. */
export type ApiName = `${string}_${string}`;

export const hasApi = ({ apis }: Runtime, name: ApiName): boolean => apis.has(name);

/**
 * The answer in plain form (plain.ts), from the state of one block.
 * @param args as @polkadot/types takes them for the input types that the metadata gives
 * @param at hex hash; the best block without it
 * @throws AssayError `unsupported` where the runtime has no such function, `invalid-input` for an answer that does not
 *   decode
 */
export async function callApi(
  connection: Connection,
  runtime: Runtime,
  name: ApiName,
  args: readonly unknown[],
  at?: string,
): Promise<unknown> {
  const data = encodeArguments(runtime, name, args);
  const answer = await connection.request('state_call', at === undefined ? [name, data] : [name, data, at]);
  if (typeof answer !== 'string' || !/^0x([0-9a-f]{2})*$/i.test(answer)) throw malformedAnswer(name);
  return decodeAnswer(runtime, name, fromHex(answer));
}

/**
 * An answer that the metadata gives as bytes alone (ApiFunction.isOpaque), where its form is known.
 * @param struct type of @polkadot/types
 * @returns undefined when the bytes are not exactly of that form, or none at all
 */
export function decodeKnown(runtime: Runtime, struct: string, answer: unknown): unknown {
  if (!(answer instanceof Uint8Array) || answer[0] !== 1) return undefined; // Option: Some
  const bytes = answer.subarray(1);
  try {
    const codec = runtime.registry.createTypeUnsafe(struct, [bytes]);
    return codec.encodedLength === bytes.length ? plainOf(codec) : undefined;
  } catch {
    return undefined; // another form, of which nothing is known: no answer rather than a wrong one
  }
}

function encodeArguments(runtime: Runtime, name: ApiName, args: readonly unknown[]): string {
  const { inputs } = functionOf(runtime, name);
  if (inputs.length !== args.length)
    throw new AssayError('unsupported', `${name} takes ${inputs.length} arguments here, not ${args.length}`, {
      what: name,
      why: `this runtime has it in another form: (${inputs.join(', ')})`,
    });
  const parts = inputs.map((type, i) => runtime.registry.createTypeUnsafe(type, [args[i]]).toU8a());
  return `0x${toHex(concat(...parts))}`;
}

function decodeAnswer(runtime: Runtime, name: ApiName, bytes: Uint8Array): unknown {
  try {
    const codec = runtime.registry.createTypeUnsafe(functionOf(runtime, name).output, [bytes]);
    if (codec.encodedLength === bytes.length) return plainOf(codec);
  } catch (cause) {
    throw malformedAnswer(name, cause);
  }
  throw malformedAnswer(name);
}

function functionOf({ apis }: Runtime, name: ApiName) {
  const found = apis.get(name);
  if (found) return found;
  throw new AssayError('unsupported', `this chain has no runtime API ${name}`, {
    what: name,
    why: 'its runtime does not have the function, or its metadata does not describe it',
  });
}

const malformedAnswer = (name: ApiName, cause?: unknown): AssayError =>
  new AssayError(
    'invalid-input',
    `${name}: the answer is not of the type that the metadata gives`,
    { what: `answer to ${name}`, expected: 'its type in the metadata', got: 'other bytes' },
    { cause },
  );
