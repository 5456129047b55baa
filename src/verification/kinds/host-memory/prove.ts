// Owns: the honest prover: fills, reads in rounds, walks, then opens. Does not own: the memory and its threads (compute/host).
import type { Devices } from '../../../compute/compute.js';
import type { HostLanes, HostPlace } from '../../../compute/host.js';
import {
  HOST_TAG,
  hostRoot,
  labelName,
  MAX_LANE_LABELS,
  parentsOf,
} from '../../../compute/spec/host-labels.js';
import {
  firstRoundKey,
  nextRoundKey,
  readAt,
  STATE_BYTES,
  statesFromBytes,
  walkStart,
} from '../../../compute/spec/host-walk.js';
import { concat } from '../../../model/bytes.js';
import { AssayError } from '../../../model/errors.js';
import { sha256 } from '../../../model/hash.js';
import { createMerkleTree, HASH_BYTES, type MerkleTree, pathLength } from '../../../model/merkle.js';
import { whileItFits } from '../../pace.js';
import type { Challenge, Pace, Proving } from '../../proof.js';
import {
  type AllCommits,
  type Block,
  type DigestOpening,
  decodeRequest,
  encodeBegin,
  encodeFill,
  encodeOpening,
  encodeRounds,
  encodeWalk,
  type LabelOpening,
  mayHold,
  type Request,
  type StepOpening,
} from './codec.js';
import { leftSiblings } from './lefts.js';
import type { HostMemoryParams } from './params.js';

/**
 * Lays the memory out and commits to that; everything else is done in the steps that follow, each as far as its time goes.
 * @throws AssayError `unsupported` where there is no host memory, or too little; the signal's reason when it aborts
 */
export async function prove(
  { host }: Devices,
  challenge: Challenge<HostMemoryParams>,
  signal: AbortSignal,
): Promise<Proving> {
  signal.throwIfAborted();
  if (!host) throw tooLittle('this device has none');
  const { params, seed } = challenge;
  const { labelBytes, infoBytes, maxLeaves } = params;
  const bytes = host.bytes();
  const { lanes, capacity } = layOut(params, { lanes: host.lanes, bytes });
  if (!mayHold(params, lanes, capacity))
    throw tooLittle(
      `${params.class} begins at ${params.minBytes} bytes, ${Math.min(params.maxBytes, bytes)} may be used`,
    );
  const opened = await host.openLanes({ seed, labelBytes, infoBytes, lanes, capacity, maxLeaves }, signal);
  if (signal.aborted) opened.release();
  signal.throwIfAborted();
  return createProving(challenge, opened);
}

/** As many lanes as threads, more where a lane would be too long, each as long as the memory allows. */
export function layOut(
  { labelBytes, maxLanes, maxBytes }: HostMemoryParams,
  host: { readonly lanes: number; readonly bytes: number },
): { lanes: number; capacity: number } {
  const bytes = Math.min(maxBytes, host.bytes);
  const lanes = Math.min(maxLanes, Math.max(host.lanes, Math.ceil(bytes / (MAX_LANE_LABELS * labelBytes))));
  return { lanes, capacity: Math.min(MAX_LANE_LABELS, Math.floor(bytes / (lanes * labelBytes))) };
}

const tooLittle = (why: string): AssayError =>
  new AssayError('unsupported', `host memory: ${why}`, { what: 'host memory', why });

/** Commits and openings over lanes that are open; they are released with it. */
export function createProving({ params, seed }: Challenge<HostMemoryParams>, lanes: HostLanes): Proving {
  const { spec } = lanes;
  const least = Math.ceil(params.minBytes / (spec.lanes * spec.labelBytes));
  const top = (roots: Uint8Array, tag: number): MerkleTree => createMerkleTree(roots, tag);
  let released = false;
  let fill: { labels: number; root: Uint8Array; top: MerkleTree } | undefined;
  let rounds: { key: Uint8Array; top: MerkleTree }[] | undefined;
  let walk: { key: Uint8Array; leaves: number; root: Uint8Array; top: MerkleTree } | undefined;

  async function fillAll(step: Pace, signal: AbortSignal): Promise<Uint8Array> {
    const labels = await lanes.fill(least, whileItFits(step), signal);
    const tree = top(await lanes.roots(labels), HOST_TAG.top);
    fill = { labels, root: hostRoot(seed, spec.lanes, labels, tree.root), top: tree };
    return encodeFill(fill);
  }

  async function readRounds(step: Pace, pass: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { labels, root } = fill!; // the step before
    const fits = whileItFits(step);
    const done: { key: Uint8Array; top: MerkleTree }[] = [];
    let key = firstRoundKey(pass, root);
    while (done.length < params.maxRounds && fits()) {
      signal.throwIfAborted();
      const tree = top(await lanes.pass(labels, key), HOST_TAG.passTop);
      done.push({ key, top: tree });
      key = nextRoundKey(key, done.length, tree.root);
    }
    rounds = done;
    return encodeRounds(done.map((round) => round.top.root));
  }

  async function walkAll(step: Pace, signal: AbortSignal): Promise<Uint8Array> {
    const { labels } = fill!; // two steps before
    const last = rounds!.at(-1)!; // the step before, at least one
    const key = nextRoundKey(last.key, rounds!.length, last.top.root);
    const leaves = await lanes.walk(labels, key, whileItFits(step), signal);
    const tree = top(await lanes.walkRoots(leaves), HOST_TAG.walkTop);
    walk = { key, leaves, root: tree.root, top: tree };
    return encodeWalk(walk);
  }

  /** Paths within lanes, each continued to the top. */
  const continued = (path: Uint8Array, tree: MerkleTree, lane: number): Uint8Array => {
    const above = new Uint8Array(pathLength(spec.lanes) * HASH_BYTES);
    tree.path(lane, above, 0);
    return concat(path, above);
  };

  async function blocks(places: readonly HostPlace[]): Promise<Block[]> {
    const opened = await lanes.openLabels(fill!.labels, places); // asked for after the last Commit
    return opened.map(({ bytes, path }, i) => ({
      label: bytes,
      path: continued(path, fill!.top, places[i].lane),
    }));
  }

  async function openLabels(samples: Request['labels']): Promise<LabelOpening[]> {
    const own = await blocks(samples);
    const parents = samples.map(({ lane, index }) =>
      parentsOf(labelName(seed, lane, index), index).map((parent) => ({ lane, index: parent })),
    );
    const opened = await blocks(parents.flat());
    let at = 0;
    return samples.map((_, s) => ({
      parents: parents[s].map(() => opened[at++]),
      path: own[s].path,
    }));
  }

  async function openDigests(samples: Request['digests']): Promise<DigestOpening[]> {
    const own = await blocks(samples);
    const opened = await Promise.all(
      samples.map(({ round, lane, index }) =>
        lanes.openDigests(fill!.labels, round - 1, [{ lane, index }]).then(([each]) => each),
      ),
    );
    return samples.map(({ round, lane }, s) => ({
      block: own[s],
      digests: opened[s].bytes,
      path: continued(opened[s].path, rounds![round - 1].top, lane),
    }));
  }

  async function openSteps(samples: Request['steps']): Promise<StepOpening[]> {
    const { key, leaves, top: tree } = walk!; // the last Commit
    const opened = await lanes.openWalk(
      leaves,
      samples.map(({ lane, leaf }) => ({ lane, index: leaf })),
    );
    const read = samples.map(({ lane, leaf, step }, s) => {
      const { bytes, path } = opened[s];
      const before = (step - 1) * STATE_BYTES;
      const state =
        step === 0
          ? walkStart(key, lane, leaf, leftSiblings(path, leaf))
          : statesFromBytes(bytes.subarray(before, before + STATE_BYTES));
      return { lane, index: readAt(state, 0, fill!.labels, spec.labelBytes).label };
    });
    const given = await blocks(read);
    return samples.map(({ lane }, s) => ({
      states: opened[s].bytes,
      path: continued(opened[s].path, tree, lane),
      block: given[s],
    }));
  }

  return {
    commit: encodeBegin(spec.lanes),
    next({ pass, leftMs }, signal) {
      if (!fill) return fillAll({ leftMs }, signal);
      if (!pass) throw new TypeError('pass: expected 32 bytes, got none');
      return rounds ? walkAll({ leftMs }, signal) : readRounds({ leftMs }, pass, signal);
    },
    async open(bytes) {
      if (released || !fill || !rounds || !walk)
        throw refused('an opening after the last Commit, before release', released ? 'released' : 'not yet');
      const commits: AllCommits = {
        lanes: spec.lanes,
        fill,
        roots: rounds.map((round) => round.top.root),
        walk,
      };
      const request = decodeRequest(params, commits, bytes);
      if (!request) throw refused('samples as the parameters have them, in range', `${bytes.length} bytes`);
      return encodeOpening({
        top: fill.top.root,
        requestDigest: sha256(bytes),
        labels: await openLabels(request.labels),
        digests: await openDigests(request.digests),
        steps: await openSteps(request.steps),
      });
    },
    release() {
      released = true;
      lanes.release();
    },
  };
}

const refused = (expected: string, got: string): AssayError =>
  new AssayError('invalid-input', `request: expected ${expected}, got ${got}`, {
    what: 'request',
    expected,
    got,
  });
