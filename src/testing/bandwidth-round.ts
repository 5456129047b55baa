// Owns: one round of the bandwidth proof with no frames: brief, prove, commit, open, verify, settle. Does not own: links
// (devices/links.ts, compute/tcp), sessions (validator, miner).
import type { Compute } from '../compute/compute.js';
import type { Link } from '../compute/link.js';
import type { Clock } from '../model/clock.js';
import type { Credit } from '../model/credit.js';
import type { Random } from '../model/prng.js';
import type { Verdict } from '../model/verdict.js';
import { encodeOffer } from '../verification/kinds/bandwidth/codec.js';
import { bandwidthProof } from '../verification/kinds/bandwidth/index.js';
import type { BandwidthParams } from '../verification/kinds/bandwidth/params.js';
import { NoSecret } from '../verification/no-secret.js';
import type { Participant } from '../verification/proof.js';
import type { Liar } from './conformance/proof.js';

export interface RoundHost {
  readonly link: Link;
  readonly address: string;
  /** @default one of its own */
  readonly coldkey?: Uint8Array;
  /** @default the honest prover */
  readonly prove?: Liar<BandwidthParams>['prove'];
  /** its Go leaves the validator so much later than the first. @default 0 */
  readonly skewMs?: number;
}

export interface RoundResult {
  readonly verdict: Verdict;
  /** both ways; empty unless accepted */
  readonly credit: Credit;
}

/** What a miner keeps of the window for the way back (miner/slot.ts). */
const RESERVE = 0.1;

/**
 * @param input.reserve share of the window that hosts keep. @default what miners keep
 * @returns one result for each host, in their order
 */
export async function playRound(
  parts: { clock: Clock; random: Random; compute: Compute },
  input: { params: BandwidthParams; hosts: readonly RoundHost[]; reserve?: number },
): Promise<RoundResult[]> {
  const { clock, random, compute } = parts;
  const { params, hosts, reserve = RESERVE } = input;
  const participants = hosts.map(({ link, address, coldkey = random.bytes(32) }): Participant => {
    const { offer } = link;
    return { hotkey: random.bytes(32), coldkey, slot: 0, address, offer: encodeOffer(offer) };
  });
  const event = {
    eventId: random.bytes(32),
    beacon: random.bytes(32),
    validator: random.bytes(32),
    participants,
  };
  const briefings = bandwidthProof.round!.brief(params, event, random).participants;
  const { signal } = new AbortController();
  const basis = random.bytes(32);
  const sessions = await Promise.all(
    hosts.map(async ({ link, prove = bandwidthProof.prove, skewMs = 0 }, i) => {
      const challenge = {
        params,
        basis,
        seed: random.fork(`seed ${i}`).bytes(32),
        brief: briefings[i]?.told,
      };
      if (!challenge.brief) return undefined;
      if (skewMs > 0) await clock.sleep(skewMs);
      const sentAt = clock.monotonic();
      const until = sentAt + params.windowMs * (1 - reserve);
      const leftMs = () => until - clock.monotonic();
      const proving = await prove({ compute, link, leftMs }, challenge, signal);
      const inTime = clock.monotonic() - sentAt <= params.windowMs;
      return { challenge, proving, inTime };
    }),
  );
  const settled = await Promise.all(
    sessions.map(async (session, i) => {
      if (!session?.inTime) return { verdict: { kind: 'rejected', reason: 'window' } as Verdict };
      const { challenge, proving } = session;
      const commits = [proving.commit];
      if (!bandwidthProof.credit(params, commits))
        return { verdict: { kind: 'rejected', reason: 'protocol' } as Verdict };
      const request = bandwidthProof.issue(params, commits, random.fork(`samples ${i}`), briefings[i]!.kept); // briefed above
      const opening = await proving.open(request);
      proving.release();
      const verdict = bandwidthProof.verify(challenge, { commits, request, opening }, new NoSecret());
      return { verdict, commits: verdict.kind === 'accepted' ? commits : undefined };
    }),
  );
  const up = bandwidthProof.round!.settle(
    params,
    settled.map(({ commits }, i) => ({
      hotkey: participants[i].hotkey,
      slot: 0,
      told: briefings[i]?.told ?? new Uint8Array(0),
      commits,
    })),
  );
  return settled.map(({ verdict, commits }, i) => ({
    verdict,
    credit: commits ? { ...bandwidthProof.credit(params, commits), ...up[i] } : {},
  }));
}
