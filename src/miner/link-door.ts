// Owns: what the port that peers pull from does beside serving them: it answers the echoes of validators, and which addresses
// this miner dials when it is told of them. Does not own: the link (compute/tcp), echoes (protocol/echo), who may call (admit.ts).
import type { LinkGuest } from '../compute/tcp/link.js';
import type { Keypair } from '../keys/keypair.js';
import type { Clock } from '../model/clock.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import { isPublicAddress } from '../protocol/address.js';
import { createEchoGuest } from '../protocol/echo/net.js';

/** Made before the chain is asked anything: closed to everybody until it is told more. */
export interface LinkDoor {
  readonly guest: LinkGuest;
  /** Validators name the addresses: on a live chain they must not send us into our own network. */
  mayDial(host: string): boolean;
  /** @param chain.type of `live` ones only addresses of the internet are dialled */
  tell(chain: { readonly type: string }): void;
  /** Who is answered from now on. */
  admitBy(admits: (hotkey: Hotkey) => boolean): void;
}

/** @param options.egressAddress address that this host's connections leave from. @default the system's choice */
export function createLinkDoor(
  parts: { readonly keypair: Keypair; readonly clock: Clock },
  options: { readonly netuid: Netuid; readonly egressAddress?: string },
  signal: AbortSignal,
): LinkDoor {
  let isLive = true;
  let admits: (hotkey: Hotkey) => boolean = () => false;
  return {
    guest: createEchoGuest({ ...parts, admit: (hotkey) => admits(hotkey) }, options, signal),
    mayDial: (host) => !isLive || isPublicAddress(host),
    tell({ type }) {
      isLive = type === 'live';
    },
    admitBy(rule) {
      admits = rule;
    },
  };
}
