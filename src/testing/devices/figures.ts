// Owns: what hosts can do, for simulated miners. Does not own: cards (verification/classes.ts has their datasheets).

/** One host, in units a second, bytes and ms. */
export interface HostFigures {
  readonly cores: number;
  /** SHA-256 of one core with SHA extensions */
  readonly hashBytesPerS: number;
  /** AES-256 in counter mode on one core: what a cheat expands short states with */
  readonly streamBytesPerS: number;
  readonly dramBytes: number;
  readonly dramBytesPerS: number;
  /** one dependent read of 4 KiB and its digest */
  readonly dramStepMs: number;
  /** one dependent read of 4 KiB elsewhere: remote memory over RDMA, or a card's */
  readonly remoteStepMs: number;
  readonly nvmeBytesPerS: number;
  readonly nvmeStepMs: number;
  readonly uplinkBytesPerS: number;
}

/**
 * A server with one socket. Rates of one core and of DRAM are those measured in the design's review (proofs-amendments, F3, F4,
 * F17: an EPYC with SHA-NI and VAES); DRAM, NVMe and remote reads are the figures it argues with, not measured by us.
 */
export const SERVER: HostFigures = {
  cores: 64,
  hashBytesPerS: 1.7e9,
  streamBytesPerS: 49.6e9,
  dramBytes: 256e9,
  dramBytesPerS: 300e9,
  dramStepMs: 0.000_73,
  remoteStepMs: 0.003,
  nvmeBytesPerS: 14e9,
  nvmeStepMs: 0.07,
  uplinkBytesPerS: 1.25e9,
};
