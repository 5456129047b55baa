// Owns: what a server can do, for simulated miners. Does not own: cards (verification/classes.ts has their datasheets), memory
// and disks (liars/host-memory-model.ts, liars/storage-model.ts).

/**
 * A server with one socket. The rate is that of AES-256 in counter mode on one core with VAES, measured when the proofs were
 * designed: what a cheat expands short states with.
 */
export const SERVER = { cores: 64, streamBytesPerS: 49.6e9 } as const;
