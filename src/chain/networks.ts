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
  const hint = /^https?:\/\//.test(url) ? '; an HTTP address cannot be subscribed to' : '';
  const got = shownUrl(url).slice(0, 100);
  const expected = `ws://host:port, wss://host:port or one of ${Object.keys(NETWORKS).join(', ')}`;
  throw new AssayError('invalid-input', `not a chain address: ${got}${hint}; expected ${expected}`, {
    what: 'chain url',
    expected,
    got,
  });
}

/** Characters of a path that are shown; whoever rents out nodes puts keys into longer ones. */
const SHOWN_PATH = 8;

/** An address as errors, logs and messages to others have it: without user, password and query, with the beginning of its path. */
export function shownUrl(url: string): string {
  // what does not parse is cut by its signs: it may be a secret with a typing mistake beside it
  if (!URL.canParse(url)) return url.replace(/^(\w+:\/\/)?.*@/s, '$1').replace(/[?#].*$/s, '');
  const { protocol, username, password, host, pathname, search, hash } = new URL(url);
  const isLong = pathname.length > SHOWN_PATH + 1;
  if (!isLong && `${username}${password}${search}${hash}` === '') return url;
  const path = isLong ? `${pathname.slice(0, SHOWN_PATH + 1)}...` : pathname.replace(/^\/$/, '');
  return `${protocol}//${host}${path}`;
}

/** `finney` or `test`; undefined for every other chain. @param genesis 0x and hex */
export const networkNameOf = (genesis: string): 'finney' | 'test' | undefined =>
  genesis === FINNEY ? 'finney' : genesis === TEST ? 'test' : undefined;

/** Node names of chains that somebody runs for trying things out: `assay localnet` and Chopsticks. */
const TRIAL_NODES = /^assay localnet node$|chopsticks/i;

export interface Testimony {
  /** 0x and hex, of block 0 */
  readonly genesis: string;
  readonly url: string;
  /** what `system_chainType` answers */
  readonly type: unknown;
  /** Asks for `system_name`; only called where the rest leaves it open. */
  nodeName(): Promise<unknown>;
}

/**
 * What a chain counts as. Its node's word alone makes none a development chain: the public test network calls itself one.
 * A genesis hash that is known is live; another chain must be on this machine as well, or its node one for trials.
 */
export async function chainTypeOf(testimony: Testimony): Promise<'live' | 'local' | 'development'> {
  const { genesis, url, type, nodeName } = testimony;
  const said = type === 'Development' ? 'development' : type === 'Local' ? 'local' : 'live';
  if (said === 'live' || networkNameOf(genesis) !== undefined) return 'live';
  if (isOwnHost(url)) return said;
  const name = await nodeName();
  return typeof name === 'string' && TRIAL_NODES.test(name) ? said : 'live';
}

/** A loopback address; other names could resolve to anything. */
function isOwnHost(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
