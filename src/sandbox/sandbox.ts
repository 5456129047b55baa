// Owns: what is asked of a place where a stranger's program may run. Does not own: how one is shut in (node-child.ts), what
// programs are for (verification/environments).

export interface SandboxLimits {
  /** whole seconds of processor time: limits of the kernel have no finer ones */
  readonly cpuSeconds: number;
  /** of the program's heap; buffers outside the heap have as much again */
  readonly memoryMiB: number;
  /** of the result, in UTF-16 units */
  readonly outputChars: number;
}

export type SandboxResult =
  /** the value of the program's last statement, a string */
  | { readonly kind: 'value'; readonly value: string }
  /** it threw, did not parse, or its value is no string */
  | { readonly kind: 'threw' }
  /** the program drove its process to a limit, or its process to an end of its own */
  | { readonly kind: 'limit'; readonly which: 'time' | 'output' | 'ended' }
  /** ours: this machine cannot shut a program in, or could not this time */
  | { readonly kind: 'fault'; readonly why: string };

/** A program runs in a process of its own: no network, no files, no other processes, limited time and memory; or it does not run. */
export interface Sandbox {
  /** whose JavaScript it is: `node-20` */
  readonly runtime: string;
  /**
   * Runs `program` as a script. Its realm has the language and nothing beside it: no clock, no randomness, no IO.
   * Rejects only when `signal` is aborted.
   */
  run(program: string, limits: SandboxLimits, signal: AbortSignal): Promise<SandboxResult>;
}
