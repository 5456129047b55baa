// Owns: a host in a round: serves and pulls at once, commits, opens. Does not own: sockets (the link), when the round is (miner).

import type { Devices } from '../../../compute/compute.js';
import type { Link, Segment } from '../../../compute/link.js';
import { contentLeaf } from '../../../compute/spec/link.js';
import { equals } from '../../../model/bytes.js';
import { AssayError } from '../../../model/errors.js';
import { sha256 } from '../../../model/hash.js';
import type { Challenge, Pace, Proving } from '../../proof.js';
import { createBalance } from './balance.js';
import {
  committedRoot,
  decodeBrief,
  decodeRequest,
  encodeCommit,
  encodeOpening,
  keyCommitment,
  type Pull,
  type Sample,
  type SampleOpening,
} from './codec.js';
import { type BandwidthParams, serveShape } from './params.js';
import { SourceTranscript } from './transcript.js';

/**
 * Serves its receivers and pulls from all its sources at once, until everything came or the time to commit has.
 * @throws AssayError `unsupported` without a link, `invalid-input` without a brief; the signal's reason when it aborts
 */
export async function prove(
  devices: Devices & Pace,
  challenge: Challenge<BandwidthParams>,
  signal: AbortSignal,
): Promise<Proving> {
  const { params } = challenge;
  const link = linkOf(devices);
  const brief = decodeBrief(params, challenge.brief);
  if (!brief) throw invalid('brief', 'one for this parameter set', `${challenge.brief?.length ?? 0} bytes`);
  signal.throwIfAborted();
  const shape = serveShape(params);
  // others may still pull after our own commit, until their round is over
  const released = new AbortController();
  link.serve(brief.serves, shape, AbortSignal.any([signal, released.signal]));
  const transcripts = brief.pulls.map(() => new SourceTranscript());
  const balance = createBalance(brief.pulls.length);
  try {
    await Promise.all(
      brief.pulls.map(async (pull, s) => {
        const onSegment = (segment: Segment) => {
          transcripts[s].append(segment);
          return balance.received(s);
        };
        const from = { ...pull, host: pull.address };
        await link.pull(from, shape, { leftMs: devices.leftMs }, onSegment, signal);
        balance.ended(s);
      }),
    );
    signal.throwIfAborted();
  } catch (error) {
    released.abort();
    throw error;
  }
  return createProving(challenge, brief.pulls, transcripts, () => released.abort());
}

/** @throws AssayError `unsupported` */
export function linkOf({ link }: Devices): Link {
  if (link) return link;
  throw new AssayError('unsupported', 'bandwidth: this host offers no link', {
    what: 'link',
    why: 'no port was given to serve peers from',
  });
}

/** Commit and openings of what was received. */
export function createProving(
  challenge: Challenge<BandwidthParams>,
  pulls: readonly Pull[],
  transcripts: readonly SourceTranscript[],
  onRelease: () => void = () => {},
): Proving {
  const { params } = challenge;
  const sourceRoots = transcripts.map((transcript) => transcript.close());
  const segments = transcripts.map((transcript) => transcript.segments);
  let kept: readonly SourceTranscript[] | undefined = transcripts;
  return {
    commit: encodeCommit({ segments, root: committedRoot(challenge, segments, sourceRoots) }),
    async open(bytes) {
      const request = decodeRequest(params, segments, bytes);
      if (!request)
        throw invalid('request', `${params.samples} samples of what was claimed`, `${bytes.length} bytes`);
      const { keys, samples } = request;
      if (!keys.every((key, s) => equals(keyCommitment(key), pulls[s].keyCommitment)))
        throw invalid('request', 'the keys that the brief committed to', 'others');
      if (!kept) throw invalid('request', 'an opening before release', 'released');
      const own = kept;
      return encodeOpening({
        sourceRoots,
        requestDigest: sha256(bytes),
        samples: samples.map((sample) => openSample(own[sample.source], sample, keys[sample.source])),
      });
    },
    release() {
      kept = undefined;
      onRelease();
    },
  };
}

/** Blames the source where what it signed is not what its key gives: X can tell from here on, and could not before. */
function openSample(transcript: SourceTranscript, { leaf }: Sample, key: Uint8Array): SampleOpening {
  const digest = transcript.digest(leaf);
  const path = transcript.path(leaf);
  const asItShouldBe = equals(digest, sha256(contentLeaf(key, leaf)));
  return asItShouldBe
    ? { path, digest: new Uint8Array(0), signature: new Uint8Array(0) }
    : { path, digest, signature: transcript.signature(leaf) };
}

function invalid(what: string, expected: string, got: string): AssayError<'invalid-input'> {
  return new AssayError('invalid-input', `${what}: expected ${expected}, got ${got}`, {
    what,
    expected,
    got,
  });
}
