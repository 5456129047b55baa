// Owns: the chain door's limits: deadlines, batch sizes, era. Does not own: the chain's own parameters (read from it).

export const CHAIN_LIMITS = {
  /** connectSubtensor gives up after this long without a usable node */
  connectTimeoutMs: 30_000,
  /** a request without an answer for this long: the socket counts as dead and is dropped */
  requestTimeoutMs: 20_000,
  /** pause before the first reconnect; doubles up to the maximum */
  reconnectMinMs: 100,
  reconnectMaxMs: 5_000,
  /** connecting to one endpoint, its metadata included; then it is the next one's turn */
  handshakeTimeoutMs: 15_000,
  /** the longest message taken from a node; finney's metadata is 0.7 MB in hex, a full block (10 MiB) 20 MiB */
  responseBytes: 24 * 1024 * 1024,
  /** no new best head for so many block times, and no less than `stallMinMs`: the node stalls */
  stallBlocks: 10,
  stallMinMs: 15_000,
  /** the best head is older than so many block times, and no less than `headAgeMinMs`: the node lags */
  headAgeBlocks: 10,
  headAgeMinMs: 60_000,
  /** best head minus finalised one; 2 or 3 is usual */
  finalityLagBlocks: 64,
  /** how often the health of the node in use is judged */
  healthEveryMs: 2_000,
  /** pause between two searches for a better node while the one in use is sick */
  seekEveryMs: 30_000,
  /** how often a healthy node is compared with another of the endpoints */
  compareEveryMs: 5 * 60_000,
  /** so many blocks ahead makes another node better */
  aheadBlocks: 3,
  /** after a change of node, blocks that the new one does not have yet are asked for again for this long */
  catchUpForMs: 60_000,
  /** runtime versions whose types are kept; one of finney takes 10 MiB (measured) */
  runtimesKept: 3,
  /** hashes in one chain_getBlockHash */
  blockHashesPerRequest: 256,
  /** pause between two looks for an extrinsic whose watch was lost */
  fatePollMs: 1_000,
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
  /** keys in one state_getKeysPaged: what Substrate allows */
  storageKeysPerPage: 1000,
  /** entries of one map that a read lists; Subtensor has at most 4096 uids in a subnet and 4096 subnets */
  storageKeysPerMap: 20_000,
} as const;
export type ChainLimits = { readonly [K in keyof typeof CHAIN_LIMITS]: number };
