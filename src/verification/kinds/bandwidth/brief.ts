// Owns: the round as a validator prepares it: tickets of all slots. Pure. Does not own: the draw (match.ts), sending it (validator).
import { concat, toHex, u32le, utf8 } from '../../../model/bytes.js';
import { sha256 } from '../../../model/hash.js';
import type { Random } from '../../../model/prng.js';
import type { Briefing, Participant, Round } from '../../proof.js';
import { decodeOffer, encodeBrief, keyCommitment, type Pull, type Serve } from './codec.js';
import { type Host, matchRound } from './match.js';
import { type BandwidthParams, serveShape } from './params.js';

const MATCH = utf8('assay/bandwidth/1/match-seed');
const TICKET = utf8('assay/bandwidth/1/ticket');
const PASS = utf8('assay/bandwidth/1/pass');
const KEY = utf8('assay/bandwidth/1/key');

type Event = Parameters<Round<BandwidthParams>['brief']>[1];
type Anchor = NonNullable<Event['anchors']>[number];

/** What the draw hangs on: nothing of it is the validator's choice once it is a validator. */
export const matchSeed = ({
  beacon,
  eventId,
  validator,
}: Pick<Event, 'beacon' | 'eventId' | 'validator'>): Uint8Array => sha256(MATCH, beacon, eventId, validator);

/**
 * Tickets of all slots. Keys and passes hang on 32 bytes of `random` that nobody but this validator has; what a receiver is told
 * holds a commitment to the key and never the key.
 * @returns for each participant its brief, and the keys of its sources for Open; for each anchor its brief
 */
export function brief(
  params: BandwidthParams,
  event: Event,
  random: Random,
): { participants: readonly (Briefing | undefined)[]; anchors: readonly (Uint8Array | undefined)[] } {
  const { eventId, validator, participants, anchors = [] } = event;
  const secret = random.bytes(32);
  const { capBytesPerS } = serveShape(params);
  // of an anchor whose share were smaller than a peer's, everybody who meets it would be credited less
  const mostOf = ({ bytesPerS }: Anchor): number | undefined =>
    bytesPerS === undefined ? undefined : Math.floor(bytesPerS / capBytesPerS);
  const all = [
    ...participants.map((participant) => ({ participant, anchor: false, most: undefined })),
    ...anchors.map((participant) => ({ participant, anchor: true, most: mostOf(participant) })),
  ];
  const hosts = all.flatMap(({ participant, anchor, most }, at) => {
    const offer = decodeOffer(participant.offer);
    return offer ? [{ participant, anchor, most, offer, at }] : [];
  });
  const sources = withoutLoners(
    matchRound(matchSeed(event), hosts.map(hostOf), params),
    (at) => hosts[at].anchor,
  );
  const pulls: Pull[][] = hosts.map(() => []);
  const keys: Uint8Array[][] = hosts.map(() => []);
  const serves: Serve[][] = hosts.map(() => []);

  for (const [x, chosen] of sources.entries())
    for (const y of chosen) {
      const receiver = hosts[x].participant;
      const { participant: source, offer } = hosts[y];
      const ticket = sha256(TICKET, eventId, validator, nameOf(receiver), nameOf(source));
      const pass = sha256(PASS, secret, ticket);
      const key = sha256(KEY, secret, ticket);
      const { port, linkKey } = offer;
      const { address, hotkey } = source;
      pulls[x].push({
        ticket,
        source: hotkey,
        address,
        port,
        linkKey,
        pass,
        keyCommitment: keyCommitment(key),
      });
      keys[x].push(key);
      serves[y].push({ ticket, receiver: receiver.hotkey, pass, key });
    }
  const briefings = new Array<Briefing | undefined>(all.length).fill(undefined);
  for (const [i, { at }] of hosts.entries())
    if (pulls[i].length + serves[i].length > 0)
      briefings[at] = {
        told: encodeBrief({ pulls: pulls[i], serves: serves[i] }),
        kept: concat(...keys[i]),
      };
  return {
    participants: briefings.slice(0, participants.length),
    anchors: briefings.slice(participants.length).map((briefing) => briefing?.told),
  };
}

/** Who has nobody to pull from could commit to nothing: it takes no part, and nobody waits for it either. */
function withoutLoners(
  sources: readonly (readonly number[])[],
  isAnchor: (at: number) => boolean,
): number[][] {
  const takesPart = (at: number): boolean => isAnchor(at) || sources[at].length > 0;
  const left = sources.map((chosen) => chosen.filter(takesPart));
  const changed = left.some((chosen, at) => chosen.length < sources[at].length);
  return changed ? withoutLoners(left, isAnchor) : left;
}

const nameOf = ({ hotkey, slot }: Participant): Uint8Array => concat(hotkey, u32le(slot));

const hostOf = ({
  participant,
  anchor,
  most,
}: {
  participant: Participant;
  anchor: boolean;
  most: number | undefined;
}): Host => ({
  id: toHex(nameOf(participant)),
  coldkey: toHex(participant.coldkey),
  address: participant.address,
  anchor,
  ...(most === undefined ? {} : { most }),
  ...(participant.weight === undefined ? {} : { weight: participant.weight }),
});
