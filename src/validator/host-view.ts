// Owns: what miners claim of their hosts, beside what this validator sees of it from outside. Does not own: the form of claims
// (protocol/host-facts.ts); pay, which none of this can move.
import { connect } from 'node:net';
import type { Neuron, Subnet } from '../chain/chain.js';
import { fromAddress } from '../keys/ss58.js';
import { equals, toHex } from '../model/bytes.js';
import { AssayError, isAssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';
import type { Hotkey } from '../model/ids.js';
import { isLoopback } from '../protocol/address.js';
import { type HostFacts, type HostFactsStatement, readHostFacts } from '../protocol/host-facts.js';
import type { MinerPeer } from '../protocol/session.js';
import { candidates } from './roster.js';

export type Mark =
  /** nobody can tell from outside */
  | 'claimed'
  /** looked at from here, and so it was */
  | 'seen'
  /** looked at from here, and it was otherwise */
  | 'contradicted';

export interface HostFactView {
  /** absent of what is the axon's */
  readonly worker?: string;
  readonly fact: string;
  readonly value: string;
  readonly mark: Mark;
  readonly note?: string;
}

export interface MinerView {
  readonly uid: number;
  readonly hotkey: Hotkey;
  readonly facts: readonly HostFactView[];
}

export interface ViewParts {
  readonly peerOf: (neuron: Neuron) => MinerPeer;
  /** whether something listens there; false for an address that must not be called */
  readonly connects: (ip: string, port: number, signal: AbortSignal) => Promise<boolean>;
}

/** Of what one miner claims so many ports are tried: nobody gets us to scan a host by claiming all of them. */
const TRIED_PORTS = 16;
/** Miners asked at once, each with one connection and one port at a time. */
const AT_ONCE = 16;
const CONNECT_MS = 2000;

/** Every miner with an axon, in the order of uids. Only the address that the chain names is called, and ports that its miner claims. */
export async function viewHosts(
  parts: ViewParts,
  of: {
    readonly subnet: Subnet;
    readonly netuid: number;
    readonly genesis: Uint8Array;
    readonly self: Hotkey;
  },
  signal: AbortSignal,
): Promise<readonly MinerView[]> {
  const neurons = candidates(of.subnet, of.self);
  const views: MinerView[] = [];
  const queue = neurons.values();
  const worker = async () => {
    for (const neuron of queue) {
      signal.throwIfAborted();
      views.push(await viewOf(parts, of, neuron, signal));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return views.sort((a, b) => a.uid - b.uid);
}

async function viewOf(
  { peerOf, connects }: ViewParts,
  { netuid, genesis }: { readonly netuid: number; readonly genesis: Uint8Array },
  neuron: Neuron,
  signal: AbortSignal,
): Promise<MinerView> {
  const { uid, hotkey } = neuron;
  const axon = neuron.axon!; // candidates have one
  const facts: HostFactView[] = [];
  const address = { fact: 'address', value: `${axon.ip}:${axon.port}` };
  let peer: MinerPeer | undefined;
  try {
    peer = peerOf(neuron);
    const { version, hostFacts } = await peer.describe(signal);
    facts.push({ ...address, mark: 'seen' });
    // TLS roots are that one key: without it nothing would have answered
    if (axon.serverKey) facts.push({ fact: 'tlsKey', value: toHex(axon.serverKey.publicKey), mark: 'seen' });
    facts.push({ fact: 'version', value: printable(version), mark: 'claimed' });
    if (hostFacts.length === 32) {
      const file = await peer.content(hostFacts, signal);
      if (!file || !equals(sha256(file), hostFacts))
        facts.push({
          fact: 'hostFacts',
          value: 'named',
          mark: 'contradicted',
          note: 'the file is not to be had',
        });
      else {
        const said = readHostFacts(file, { genesis, netuid, hotkey: fromAddress(hotkey) });
        facts.push(...(await factsOf(said, axon, (port) => connects(axon.ip, port, signal))));
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AssayError)) throw error;
    if (facts.length === 0) facts.push({ ...address, mark: 'claimed', note: `no answer: ${error.code}` });
    else facts.push({ fact: 'hostFacts', value: 'named', mark: 'contradicted', note: noteOf(error) });
  } finally {
    peer?.close();
  }
  return { uid, hotkey, facts };
}

const noteOf = (error: AssayError): string => {
  if (isAssayError(error, 'unauthenticated')) return "not in its hotkey's signature";
  const isForm = isAssayError(error, 'invalid-input') || isAssayError(error, 'limit-exceeded');
  return isForm ? 'not of the form that facts have' : `the file is not to be had: ${error.code}`;
};

async function factsOf(
  { block, hosts }: HostFactsStatement,
  axon: { readonly ip: string; readonly port: number },
  isOpen: (port: number) => Promise<boolean>,
): Promise<readonly HostFactView[]> {
  const views: HostFactView[] = [{ fact: 'atBlock', value: `${block}`, mark: 'claimed' }];
  let tried = 0;
  for (const { worker, facts } of hosts) {
    for (const [fact, value] of Object.entries(facts))
      if (fact !== 'openPorts') views.push({ worker, fact, value: shown(fact, value), mark: 'claimed' });
    for (const port of facts.openPorts ?? []) {
      const view = { worker, fact: 'openPort', value: `${port}` };
      // the one address that the chain names is one host's: of others nothing can be seen from here
      if (hosts.length > 1 || tried++ >= TRIED_PORTS) views.push({ ...view, mark: 'claimed' });
      else if (await isOpen(port)) views.push({ ...view, mark: 'seen' });
      else views.push({ ...view, mark: 'claimed', note: 'not reached from here' });
    }
  }
  const lists = hosts.map(({ facts: { openPorts } }) => openPorts);
  // it has just answered there; what listens on loopback alone, as in a trial, is nobody's claim
  if (!isLoopback(axon.ip) && lists.length > 0 && lists.every((list) => list && !list.includes(axon.port)))
    views.push({
      fact: 'openPort',
      value: `${axon.port}`,
      mark: 'contradicted',
      note: 'it answers, and no host lists it: another host is in front of it, or the list is not whole',
    });
  return views;
}

const shown = (fact: string, value: HostFacts[keyof HostFacts]): string => {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join('; ');
  const isTime = fact === 'at' || fact === 'updatesCheckedAt';
  return isTime && typeof value === 'number' && value < 8.64e15 ? new Date(value).toISOString() : `${value}`;
};

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 64);

/** @param mayCall addresses of strangers' own networks are none of ours */
export const connectsTo =
  (mayCall: (ip: string) => boolean): ViewParts['connects'] =>
  (ip, port, signal) =>
    new Promise((resolve) => {
      if (!mayCall(ip)) return resolve(false);
      const socket = connect({ host: ip, port });
      const give = () => end(false);
      const end = (isOpen: boolean) => {
        signal.removeEventListener('abort', give);
        socket.destroy();
        resolve(isOpen);
      };
      signal.addEventListener('abort', give, { once: true });
      socket.setTimeout(CONNECT_MS, give);
      socket.once('connect', () => end(true));
      socket.once('error', give);
    });
