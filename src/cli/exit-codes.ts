// Owns: exit codes, the same for every command. Does not own: which error has which (error-codes.ts).

export const EXIT = {
  ok: 0,
  /** the command did its work and the answer is no: a check failed, a verdict disagrees */
  failed: 1,
  /** flags, files or environment are wrong */
  usage: 2,
  /** the machine is too busy to time proofs: neither success nor a verdict about miners */
  busy: 3,
  /** nothing can be recomputed: the evidence was evicted, or the verdict never rested on any */
  expired: 4,
  /** Ctrl-C before the command came to its end, as shells count it */
  interrupted: 130,
  /** the same by SIGTERM */
  terminated: 143,
} as const;
