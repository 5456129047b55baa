// A proof kind of one's own, with a miner that serves it and a validator that checks it. Any chain will do; here it is
// the localnet that docs/guide/open-subnet.mjs opened.
// Usage: node docs/guide/own-proof.mjs [ws://127.0.0.1:9944]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMiner, createValidator, defineProof, proofs } from 'assay';
import { connectSubtensor } from 'assay/chain';
import { createReferenceCompute } from 'assay/compute';
import { keypairFromUri, readyKeys } from 'assay/keys';
import { createLocalSlot } from 'assay/miner';
import * as model from 'assay/model';
import { openLedger, openWeightsBook } from 'assay/validator';
import { paramsId } from 'assay/verification';

const { AssayError, accepted, canonicalJson, equals, rejected, sha256, toHex } = model;

// SHA-256 a hundred thousand times over. Cheap to state, but verifying costs as much as proving: a toy, for localnets.
const params = { kind: 'hash-chain', class: 'toy', steps: 100_000, windowMs: 2000 };
const run = (seed, steps) => {
  let state = seed;
  for (let i = 0; i < steps; i++) state = sha256(state);
  return state;
};

export const hashChain = defineProof({
  kind: 'hash-chain',
  table: new Map([[toHex(paramsId(params)), params]]),
  facts: ({ steps, windowMs }) => ({
    className: 'toy',
    phases: [{ from: 'go', withinMs: windowMs }],
    nominal: { opsPerS: (steps * 1000) / windowMs },
    goLeadMs: 1000,
    openingMs: 5000,
    localnetOnly: true,
  }),
  parseParams(value) {
    if (canonicalJson(value) === canonicalJson(params)) return params;
    const expected = canonicalJson(params);
    throw new AssayError('invalid-input', `params: expected ${expected}`, {
      what: 'params',
      expected,
      got: 'others',
    });
  },
  limits: () => ({ commitBytes: 32, openingBytes: 0 }),
  credit: ({ steps, windowMs }, [commit]) =>
    commit?.length === 32 ? { opsPerS: (steps * 1000) / windowMs } : undefined,
  issue: () => new Uint8Array(), // nothing to sample: the commit is the whole answer
  drawSecret: () => undefined,
  async prove(_parts, { params: { steps }, seed }) {
    return { commit: run(seed, steps), open: async () => new Uint8Array(), release() {} };
  },
  verify: ({ params: { steps }, seed }, { commits: [commit] }) =>
    equals(commit, run(seed, steps)) ? accepted : rejected('seed'),
});

const [url = 'ws://127.0.0.1:9944'] = process.argv.slice(2);
const { silentLog: log, systemClock: clock, systemRandom: random } = model;
await readyKeys();
const chain = await connectSubtensor({ url, log, clock });
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
const dir = await mkdtemp(join(tmpdir(), 'assay-own-proof-'));
const keypair = keypairFromUri('//Bob//validator');
const { genesisHash } = await chain.info();
const ledger = await openLedger({ dir, log, random, genesisHash, netuid: 1, keypair });
const { number: head } = await chain.head();
const book = await openWeightsBook({ log }, { folder: dir, genesisHash, hotkey: keypair.address, head });

const slot = createLocalSlot(
  { compute: createReferenceCompute(), kind: hashChain, params, paramsId: paramsId(params) },
  { index: 0, worker: 'host-1' },
);
const miner = createMiner(
  { chain, keypair: keypairFromUri('//Charlie//miner'), slots: [slot] },
  { netuid: 1, host: '127.17.0.1', port: 0 },
);
const validator = createValidator(
  { chain, keypair, ledger, book, proofs: [...proofs, hashChain] },
  { netuid: 1, plan: { eventsPerEpoch: 2, leadBlocks: 2, eventBlocks: 40, publishLeadBlocks: 12 } },
);

let seen;
try {
  await Promise.all([
    miner.run(stop.signal, ({ host, port }) => console.log(`miner on ${host}:${port}`)),
    validator.run(stop.signal, ({ lastEvent, lastWeights }) => {
      if (lastEvent && lastEvent.block !== seen)
        console.log(
          `event at block ${lastEvent.block}: ${lastEvent.accepted} accepted, ${lastEvent.rejected} rejected`,
        );
      seen = lastEvent?.block;
      if (lastWeights && !stop.signal.aborted) {
        console.log(`weights set at block ${lastWeights.block}: ${JSON.stringify(lastWeights.row)}`);
        stop.abort();
      }
    }),
  ]);
} finally {
  stop.abort(); // the one that goes on, where the other failed
  await book.close();
  await ledger.close();
  await chain.close();
  await rm(dir, { recursive: true }); // a toy's: nobody asks for it again
}
