// Owns: what an environment is: it makes prompts and grades completions. Does not own: any one of them, when they are asked.

export interface Environment {
  /** e.g. `arithmetic` */
  readonly id: string;
  readonly version: number;
  /** SHA-256 over id, version, parameters and golden prompts as ids: what they depend on (a tokenizer too) shows there */
  readonly digest: Uint8Array;
  /** @param seed 32 bytes, of a group; the same seed gives the same task everywhere */
  task(seed: Uint8Array): Task;
  /**
   * Never throws for any completion. Bounded in time and memory by published limits; what the completion made it exceed is `limit`.
   * @param completion ids, the stop id included where there is one
   */
  grade(task: Task, completion: Uint32Array, signal: AbortSignal): Promise<Grade>;
}

export interface Task {
  /** ids that the model is given */
  readonly prompt: Uint32Array;
  /** what the grader needs beside the completion; plain data of the environment's own */
  readonly key: unknown;
}

export type Grade =
  /** `rewardMillis`: thousandths, 0..1000; `answer`: the token positions [from, to) that decided, if some did */
  | { readonly kind: 'graded'; readonly rewardMillis: number; readonly answer?: readonly [number, number] }
  /** the completion drove the grader to a published limit: counts as not valid */
  | { readonly kind: 'limit'; readonly which: string }
  /** ours: the sandbox is missing or broke */
  | { readonly kind: 'fault'; readonly why: string };
