// Owns: the plaintext rule. Does not own: TLS.
import { isIPv4 } from 'node:net';
import { AssayError } from '../model/errors.js';

/** 127.0.0.0/8 and ::1, as literals: a name could resolve to anything. */
export const isLoopback = (host: string): boolean =>
  (isIPv4(host) && host.startsWith('127.')) || host === '::1';

/** @throws AssayError `insecure-address`: until channels are TLS, plaintext stays on this machine unless asked for */
export function assertPlaintextAllowed(host: string, insecurePlaintext: boolean): void {
  if (insecurePlaintext || isLoopback(host)) return;
  throw new AssayError(
    'insecure-address',
    `plaintext to or from ${host.slice(0, 64)} is refused: only 127.0.0.0/8 and ::1 without --insecure-plaintext`,
    { address: host.slice(0, 64) },
  );
}
