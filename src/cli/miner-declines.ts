// Owns: what a running miner declines and says of itself: maintenance, caps of duty, facts about this host. Does not own: slots and
// sessions (miner), statements (protocol).
import type { ChainInfo } from '../chain/chain.js';
import type { Keypair } from '../keys/keypair.js';
import { createDeclarations, parseStatements, type Statement } from '../miner/declarations.js';
import type { DutyRow } from '../miner/duty.js';
import type { SlotsUnder } from '../miner/follow.js';
import type { MinerSays } from '../miner/miner.js';
import { equals } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';
import type { Log } from '../model/log.js';
import { HOST_FACTS_BYTES, HOST_FACTS_HOSTS, type HostFacts, signHostFacts } from '../protocol/host-facts.js';
import { dataPaths } from './assemble.js';
import { openDuty } from './duty-file.js';
import { type HostQuestions, keepHostFacts, systemQuestions } from './host-facts.js';
import { readSmallFile } from './small-file.js';

/** How soon it is told what another host said of itself. */
const LOOK_MS = 10_000;

interface FactsOf {
  readonly worker: string;
  readonly facts: HostFacts;
}

export interface MinerDeclines {
  /** Slots that heed what is declared and capped. */
  heed(under: SlotsUnder): SlotsUnder;
  says(): MinerSays;
  content(digest: Uint8Array): Uint8Array | undefined;
  /**
   * Collects facts about this host, now and every few hours: called once it listens, or its own port would not be among them.
   * @param chain.others what other hosts of this hotkey said of themselves
   */
  tellFacts(chain: {
    readonly info: ChainInfo;
    readonly head: () => Promise<{ readonly number: number }>;
    readonly others?: () => readonly FactsOf[];
  }): void;
  duty(): readonly DutyRow[];
  close(): Promise<void>;
}

/** @throws AssayError `invalid-input` for a file in the data folder that is none of ours */
export async function openMinerDeclines(
  parts: {
    readonly clock: Clock;
    readonly log: Log;
    readonly keypair: Keypair;
    readonly questions?: HostQuestions;
  },
  config: {
    readonly data: string;
    readonly netuid: number;
    readonly worker: string;
    readonly mostDeviceSecondsADay?: number | undefined;
    readonly mostBytesADay?: number | undefined;
    readonly hostFacts: boolean;
  },
  signal: AbortSignal,
): Promise<MinerDeclines> {
  const { clock, log, keypair, questions = systemQuestions } = parts;
  const { data, netuid, worker } = config;
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);
  const duty = await openDuty({ clock, log }, config);
  const read = () => readStatements(dataPaths.maintenance(data));
  const declarations = await createDeclarations({ clock, log, read });
  const running: Promise<void>[] = [declarations.run(over)];
  let isTelling = false;
  let facts: { readonly digest: Uint8Array; readonly file: Uint8Array } | undefined;

  return {
    heed: ({ slots, resting }) => ({
      slots: slots.map(duty.heed).map(declarations.heed),
      resting,
    }),
    says: () => ({ maintenance: declarations.statements(), hostFacts: facts?.digest }),
    content: (digest) => (facts && equals(facts.digest, digest) ? facts.file : undefined),
    tellFacts({ info, head, others = () => [] }) {
      if (!config.hostFacts || isTelling) return; // it may serve more than once
      isTelling = true;
      let own: HostFacts | undefined;
      let told = '';
      async function tell(): Promise<void> {
        const hosts = [...(own ? [{ worker, facts: own }] : []), ...others()];
        if (hosts.length === 0 || JSON.stringify(hosts) === told) return;
        const { number: block } = await head();
        const file = signThatFit(hosts, (those) =>
          signHostFacts(keypair, { genesis: info.genesisHash, netuid, block, hosts: those }),
        );
        facts = { digest: sha256(file), file };
        told = JSON.stringify(hosts);
      }
      const warned = (error: unknown) => {
        if (!over.aborted) log.warn('facts about hosts are not told', { error });
      };
      const collecting = keepHostFacts({ clock, log, questions }, data, over, (found) => {
        own = found;
        void tell().catch(warned);
      });
      const looking = (async () => {
        for (; !over.aborted; await clock.sleep(LOOK_MS, over)) if (own) await tell().catch(warned);
      })();
      running.push(collecting, looking);
    },
    duty: duty.rows,
    async close() {
      stop.abort();
      await Promise.all(running);
    },
  };
}

/** None where there is no file. @throws AssayError `invalid-input` */
export async function readStatements(path: string): Promise<readonly Statement[]> {
  const text = await readSmallFile(path);
  if (text === undefined) return [];
  try {
    return parseStatements(JSON.parse(text), path);
  } catch (error) {
    if (error instanceof AssayError) throw error;
    const [expected, got] = ['JSON', 'text that is none'];
    throw new AssayError(
      'invalid-input',
      `${path}: expected JSON`,
      { what: path, expected, got },
      { cause: error },
    );
  }
}

/** As many of the hosts as one file may name, the miner's own first: what does not fit is not told. */
function signThatFit(hosts: readonly FactsOf[], sign: (hosts: FactsOf[]) => Uint8Array): Uint8Array {
  const fit: FactsOf[] = [];
  let bytes = 1024; // the statement around them, and its signature
  for (const host of hosts) {
    // the statement is a string within the file: each of its quotes is escaped there
    bytes += JSON.stringify(JSON.stringify(host)).length + 1;
    if (bytes > HOST_FACTS_BYTES || fit.length === HOST_FACTS_HOSTS) break;
    fit.push(host);
  }
  return sign(fit);
}
