// Owns: the names of public networks, where their nodes are, and which chain must answer there. Does not own: connecting.
import { AssayError } from '../model/errors.js';

export interface Network {
  /** tried in this order */
  readonly urls: readonly string[];
  /** hex hash of block 0; undefined where any chain will do */
  readonly genesis: string | undefined;
}

// Endpoints: the network table of the Python SDK 10.2 (settings.py). Genesis hashes: as wallets and chain lists publish
// them (Talisman chaindata `bittensor`; SDK start-up checks of the test network).
const FINNEY = '0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03';
const TEST = '0x8f9cf856bf558a14440e75569c9e58594757048d7b3a84b5d25f6bd978263105';

export const NETWORKS = {
  finney: {
    urls: ['wss://entrypoint-finney.opentensor.ai:443', 'wss://lite.sub.latent.to:443'],
    genesis: FINNEY,
  },
  test: { urls: ['wss://test.finney.opentensor.ai:443'], genesis: TEST },
  /** finney with all its history; others answer for some 300 blocks */
  archive: { urls: ['wss://archive.chain.opentensor.ai:443'], genesis: FINNEY },
  local: { urls: ['ws://127.0.0.1:9944'], genesis: undefined },
} as const satisfies Record<string, Network>;
export type NetworkName = keyof typeof NETWORKS;

/**
 * A name of NETWORKS, or one or several addresses with commas between them.
 * @throws AssayError `invalid-input` for anything else
 */
export function toNetwork(text: string): Network {
  if (Object.hasOwn(NETWORKS, text)) return NETWORKS[text as NetworkName]; // one of its keys
  const urls = text.split(',').map((url) => url.trim());
  for (const url of urls) assertChainUrl(url);
  return { urls, genesis: undefined };
}

/** @throws AssayError `invalid-input` */
export function assertChainUrl(url: string): void {
  if (/^wss?:\/\/./.test(url) && URL.canParse(url)) return;
  const hint = /^https?:\/\//.test(url) ? `; an HTTP address cannot be subscribed to` : '';
  throw new AssayError('invalid-input', `not a chain address: ${url.slice(0, 100)}${hint}`, {
    what: 'chain url',
    expected: `ws://host:port, wss://host:port or one of ${Object.keys(NETWORKS).join(', ')}`,
    got: url.slice(0, 100),
  });
}
