// Owns: the form in which runtime APIs are written down: methods by name, what they take and give. Does not own: which
// there are (runtime-apis.ts), how they answer (localnet/runtime-apis/).
import type { Codec, FieldsValue, ValueOf } from './scale.js';

type Inputs = Readonly<Record<string, Codec<unknown>>>;

export interface RuntimeApiMethod<I extends Inputs = Inputs, O = unknown> {
  /** in the order in which they are encoded */
  readonly inputs: I;
  readonly output: Codec<O>;
}

type Methods = Readonly<Record<string, RuntimeApiMethod>>;

export interface RuntimeApi<M extends Methods = Methods> {
  /** as RuntimeVersion.apis lists it */
  readonly version: number;
  readonly methods: M;
}

export const method = <I extends Inputs, O>(inputs: I, output: Codec<O>): RuntimeApiMethod<I, O> => ({
  inputs,
  output,
});

export const runtimeApi = <M extends Methods>(version: number, methods: M): RuntimeApi<M> => ({
  version,
  methods,
});

/** One function for each method, over whatever `At` a chain is asked at. */
export type Implementation<A extends RuntimeApi, At> = {
  readonly [N in keyof A['methods']]: (
    args: FieldsValue<A['methods'][N]['inputs']>,
    at: At,
  ) => ValueOf<A['methods'][N]['output']>;
};
