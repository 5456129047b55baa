// Owns: what a running miner declines and says of itself: maintenance, caps of duty, facts about this host. Does not own: slots and
// sessions (miner), statements (protocol).
import { readFile } from 'node:fs/promises';
import type { ChainInfo } from '../chain/chain.js';
import type { Keypair } from '../keys/keypair.js';
import { createDeclarations, parseStatements, type Statement } from '../miner/declarations.js';
import { createDuty, type DutyRow } from '../miner/duty.js';
import type { SlotsUnder } from '../miner/follow.js';
import type { MinerSays } from '../miner/miner.js';
import { equals } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';
import type { Log } from '../model/log.js';
import { signHostFacts } from '../protocol/host-facts.js';
import { dataPaths } from './assemble.js';
import { collectHostFacts, type HostQuestions, systemQuestions } from './host-facts.js';
import { errnoOf } from './invalid-input.js';
import { openWholeFile } from './whole-file.js';

/** How often facts are collected anew. */
const FACTS_MS = 6 * 3_600_000;
const MOST_BYTES = 1 << 20;

export interface MinerDeclines {
  /** Slots that heed what is declared and capped. */
  heed(under: SlotsUnder): SlotsUnder;
  says(): MinerSays;
  content(digest: Uint8Array): Uint8Array | undefined;
  /** Collects facts about this host, now and every few hours: called once it listens, or its own port would not be among them. */
  tellFacts(chain: {
    readonly info: ChainInfo;
    readonly head: () => Promise<{ readonly number: number }>;
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
  const { data, netuid, worker, mostDeviceSecondsADay: deviceSeconds, mostBytesADay: bytes } = config;
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);
  const path = dataPaths.duty(data);
  const kept = await textOf(path);
  const whole = await openWholeFile(path, path, 0o600);
  const duty = createDuty({ clock, log, kept, keep: whole.write }, { deviceSeconds, bytes });
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
    tellFacts({ info, head }) {
      if (!config.hostFacts || isTelling) return; // it may serve more than once
      isTelling = true;
      running.push(
        (async () => {
          for (; !over.aborted; await clock.sleep(FACTS_MS, over)) {
            try {
              const [found, { number: block }] = await Promise.all([
                collectHostFacts(questions, { folder: data, at: clock.now() }),
                head(),
              ]);
              const hosts = [{ worker, facts: found }];
              const file = signHostFacts(keypair, { genesis: info.genesisHash, netuid, block, hosts });
              facts = { digest: sha256(file), file };
            } catch (error) {
              if (!over.aborted) log.warn('facts about this host are not told', { error });
            }
          }
        })(),
      );
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
  const text = await textOf(path);
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

/** @throws AssayError `invalid-input` for a file larger than any of ours */
async function textOf(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes === undefined || bytes.length <= MOST_BYTES) return bytes?.toString('utf8');
  const [expected, got] = [`at most ${MOST_BYTES} bytes`, `${bytes.length}`];
  throw new AssayError('invalid-input', `${path}: too large`, { what: path, expected, got });
}
