// Owns: one nonce after another for each account. Does not own: signing and sending (submit.ts).
import { isNonceError } from './errors.js';

export interface Nonces {
  /**
   * Calls `send` with the account's next nonce, one call at a time for each account. `send` resolves when the pool has
   * taken the extrinsic. Refused for its nonce alone, it is called again with a fresh one: the pool holds nothing of
   * the first. Each success must be followed by one `settled`.
   */
  use<T>(address: string, send: (nonce: number) => Promise<T>): Promise<T>;
  /** The extrinsic is in a block, or known never to be: `landed` false makes the next one ask the chain again. */
  settled(address: string, landed: boolean): void;
}

interface AccountState {
  /** undefined: ask the chain */
  next: number | undefined;
  /** in the pool, by us */
  pending: number;
  /** the last in line */
  tail: Promise<unknown>;
}

/** Another program with the same key may take the nonce that we were just told; not so often in a row. */
const MAX_RESYNCS = 8;

/**
 * `system_accountNextIndex` alone collides: sends that ask before any of them is in the pool all read the same index.
 * While extrinsics of ours are pending, their own count goes on from the last; when none is, the chain is asked, so that a
 * dropped extrinsic or another program with the same key costs one request and not the account.
 * @param fetchNext the chain's next index of an account, its pool included
 */
export function createNonces(fetchNext: (address: string) => Promise<number>): Nonces {
  const accounts = new Map<string, AccountState>();

  return {
    use(address, send) {
      const account = accounts.get(address) ?? { next: undefined, pending: 0, tail: Promise.resolve() };
      accounts.set(address, account);
      const turn = account.tail.then(() => take(account, address, send));
      account.tail = turn.catch(() => {}); // the next in line goes on whatever happened to this one
      return turn;
    },
    settled(address, landed) {
      const account = accounts.get(address);
      if (!account) return;
      account.pending--;
      if (!landed) account.next = undefined;
    },
  };

  async function take<T>(
    account: AccountState,
    address: string,
    send: (nonce: number) => Promise<T>,
  ): Promise<T> {
    const counted = account.pending > 0 ? account.next : undefined;
    let nonce = counted ?? (await fetchNext(address));
    for (let resyncs = 0; ; resyncs++) {
      try {
        return await attempt(nonce);
      } catch (error) {
        if (!isNonceError(error) || resyncs === MAX_RESYNCS) throw error;
        const fresh = await fetchNext(address);
        if (fresh === nonce) throw error; // the chain names the same one again: not ours to solve
        nonce = fresh;
      }
    }

    async function attempt(at: number): Promise<T> {
      // unknown until the pool has answered: an outage in between may or may not have used it up
      account.next = undefined;
      const result = await send(at);
      account.next = at + 1;
      account.pending++;
      return result;
    }
  }
}
