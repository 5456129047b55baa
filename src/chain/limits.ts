// Owns: the chain door's limits: deadlines, batch sizes, era. Does not own: the chain's own parameters (read from it).

export const CHAIN_LIMITS = {
  /** connectSubtensor gives up after this long without a usable node */
  connectTimeoutMs: 30_000,
  /** a request without an answer for this long: the socket counts as dead and is dropped */
  requestTimeoutMs: 20_000,
  /** pause before the first reconnect; doubles up to the maximum */
  reconnectMinMs: 100,
  reconnectMaxMs: 5_000,
  /** reads are tried again for this long across an outage, then reject with `unreachable` */
  readRetryForMs: 60_000,
  /** pause between two tries of a read; doubles up to the maximum */
  readRetryMinMs: 100,
  readRetryMaxMs: 2_000,
  /**
   * Blocks for which a signed extrinsic stays valid. Long enough to ride out a stalled block producer, short enough
   * that a lost one cannot surprise later: 13 minutes at 12 s, 16 s at 250 ms. A power of two (Substrate's Era).
   */
  eraBlocks: 64,
  /** after this long without inclusion a write rejects with `timeout`; its fate is then unknown */
  inclusionTimeoutMs: 15 * 60_000,
  /** keys in one state_queryStorageAt; 512 keys of 66-130 bytes are 60 kB of request */
  storageKeysPerRequest: 512,
} as const;
export type ChainLimits = { readonly [K in keyof typeof CHAIN_LIMITS]: number };
