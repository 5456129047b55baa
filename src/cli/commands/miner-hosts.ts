// Owns: `assay miner host | host-key | hosts | lease | release`. Does not own: the wire between them (miner/hosts), files (miner-hosts.ts).
import { dirname, join } from 'node:path';
import { readable } from '../../miner/hosts/desk.js';
import { HOST_LIMITS } from '../../miner/hosts/limits.js';
import { parseLeases, withLease, withoutLease } from '../../miner/leases.js';
import { toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { lockFile } from '../../model/file-lock.js';
import type { HostFacts } from '../../protocol/host-facts.js';
import { dataPaths, startAdmin, systemParts } from '../assemble.js';
import { loadConfig, minerHostSchema } from '../config.js';
import { takeDataFolder } from '../data-folder.js';
import { openHostKey, readHostKey, readPublicKey } from '../host-keys.js';
import { invalid } from '../invalid-input.js';
import { openProcessRecord } from '../left-processes.js';
import { HOSTS_STATUS_MS, readHostsStatus, readLeases, writeLeases } from '../miner-hosts.js';
import { EXIT, print, printJson } from '../output.js';
import { tellParent } from '../parent.js';
import { openRoleLog } from '../role-log.js';
import { Table } from '../table.js';

/** Runs until asked to end: this host's devices, for the miner that it dials. */
export async function startHost(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const config = loadConfig(minerHostSchema, flags);
  const { worker, data } = config;
  const hasCaps = config.mostDeviceSecondsADay !== undefined || config.mostBytesADay !== undefined;
  if (hasCaps && data === undefined) {
    const problem = 'data: is needed with a cap of the day, for the count to outlive this process';
    throw new AssayError('invalid-config', problem, { source: 'configuration', problems: [problem] });
  }
  if (data !== undefined) takeDataFolder(data, 'miner-host');
  const { openKnown } = await import('../subnet-module.js');
  const { kinds } = await openKnown(config.module);
  const identity = await readHostKey(config.key);
  const minerKey = await readPublicKey(config.minerKey, 'minerKey');
  const log = await openRoleLog(config, { worker });
  const { clock } = systemParts;
  const [
    { openSlots },
    { createSlotDoctor },
    { createExamination },
    { wantedOf },
    { runHost },
    { dialMiner },
    { openDuty },
    { keepHostFacts, systemQuestions },
  ] = await Promise.all([
    import('../miner-slots.js'),
    import('../slot-doctor.js'),
    import('../../miner/examination.js'),
    import('../wanted-slots.js'),
    import('../../miner/hosts/host.js'),
    import('../../miner/hosts/tls.js'),
    import('../duty-file.js'),
    import('../host-facts.js'),
  ]);
  const heed = data === undefined ? undefined : (await openDuty({ clock, log }, { ...config, data })).heed;
  const doctor = createSlotDoctor({ clock, slots: () => served.opened }, { worker });
  const served = await openSlots(
    { log, clock },
    {
      wanted: wantedOf(config),
      kinds,
      worker,
      threads: config.threads ?? 0,
      plots: config.plots,
      rests: doctor.rests,
      ...(data === undefined ? {} : { onProcess: openProcessRecord(dataPaths.processes(data), log).began }),
    },
    signal,
  );
  let jobs = 0;
  const { examine } = doctor;
  const examination = createExamination({ clock, log, examine, isBusy: () => jobs > 0 });
  const over = new AbortController();
  let again: Promise<void> | undefined;
  let telling: Promise<void> | undefined;
  let facts: HostFacts | undefined;
  const admin = await startAdmin(config.adminPort, log);
  try {
    const { host, port } = addressOf(config.miner);
    if (config.doctor) {
      await examination.first(signal);
      again = examination.again(AbortSignal.any([signal, over.signal]));
    }
    if (config.hostFacts)
      telling = keepHostFacts(
        { clock, log, questions: systemQuestions },
        data ?? dirname(config.key),
        AbortSignal.any([signal, over.signal]),
        (found) => {
          facts = found;
        },
      );
    const slots = served.opened.map(({ index, kind, className }) => ({
      number: index,
      kind: kind.kind,
      className,
    }));
    await runHost(
      {
        ...systemParts,
        log,
        kinds,
        dial: (during) => dialMiner({ identity }, { host, port, minerKey }, during),
        under(set) {
          const { slots: here } = served.under([set]);
          return heed ? here.map(heed) : here;
        },
        facts: () => facts,
        onState(state) {
          admin?.setServing(state.state === 'connected');
          tellParent({ host: state });
        },
        onJobs(count) {
          jobs = count;
        },
      },
      { worker, slots, hasCaps, drainMs: HOST_LIMITS.drainMs },
      signal,
    );
  } finally {
    over.abort();
    await Promise.all([again, telling, admin?.close(), served.close()]);
  }
  return EXIT.ok;
}

/** The schema has seen to its form, but not to the port's size. */
function addressOf(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':');
  const port = Number(text.slice(at + 1));
  if (port < 1 || port > 65_535) throw invalid('miner', 'a port in 1..65535', text.slice(at + 1));
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port };
}

/** Makes the key unless it is there, and prints its public half. */
export async function hostKey(flags: {
  key?: string;
  data?: string;
  worker?: string;
  json?: boolean;
}): Promise<number> {
  const { key: path, data, worker = 'host-2' } = flags;
  if ((path === undefined) === (data === undefined)) {
    const problem = "one of --key (this host's own) and --data (the miner's, of its data folder) is needed";
    throw new AssayError('invalid-config', problem, { source: 'flags', problems: [problem] });
  }
  const { serverKey } = await openHostKey(path ?? dataPaths.hostsKey(data!));
  const key = toHex(serverKey.publicKey);
  if (flags.json) printJson({ key });
  else {
    print(key);
    if (path !== undefined)
      process.stderr.write(`for the miner's hosts file: ${JSON.stringify({ worker, key })}\n`);
  }
  return EXIT.ok;
}

/** @returns 1 where a host that is not revoked is away, or the miner does not say anything any more */
export async function hosts(flags: { data?: string; json?: boolean }): Promise<number> {
  const status = await readHostsStatus(dataPaths.hostsStatus(flags.data!)); // commander has seen to it
  const ageMs = Math.max(0, Date.now() - status.writtenMs);
  const isOld = ageMs > 6 * HOSTS_STATUS_MS;
  const isWhole = !isOld && status.hosts.every(({ isConnected, isRevoked }) => isConnected || isRevoked);
  const code = isWhole ? EXIT.ok : EXIT.failed;
  if (flags.json) {
    printJson({ ageMs, ...status });
    return code;
  }
  if (isOld) print(`the miner has said nothing for ${Math.round(ageMs / 1000)} s; this is what it said last`);
  const table = new Table({
    head: ['worker', 'is', 'address', 'way ms', 'last seen', 'slot', 'claims', 'why not'],
  });
  for (const host of status.hosts) {
    const { worker, isConnected, isRevoked, isDraining, address, wayMs, seenMs, slots } = host;
    const here = isDraining ? 'draining' : 'connected';
    const is = isRevoked ? 'revoked' : isConnected ? here : 'away';
    const seen = seenMs === undefined ? '-' : new Date(seenMs).toISOString().slice(0, 19);
    const first = [worker, is, address ?? '-', wayMs?.toFixed(1) ?? '-', seen];
    if (slots.length === 0) table.push([...first, '-', '-', '']);
    for (const [i, slot] of slots.entries())
      table.push([
        ...(i === 0 ? first : ['', '', '', '', '']),
        slot.index,
        `${slot.kind}:${slot.class}`,
        slot.why ?? (slot.isCapped ? 'it declines events: its day is used up' : ''),
      ]);
  }
  print(table.toString());
  for (const { worker, facts } of status.hosts) if (facts) print(`${worker} says: ${factsText(facts)}`);
  for (const { address, key, reason, times, lastMs } of status.rejected)
    print(
      `rejected ${times} times, last ${new Date(lastMs).toISOString().slice(0, 19)} from ${address}, key ${key.slice(0, 16)}: ${reason}`,
    );
  return code;
}

/** A line of what a host says of itself; --json has all of it. */
function factsText(facts: HostFacts): string {
  const { system, kernel, cpu, cpus, memoryBytes, pendingSecurityUpdates: updates } = facts;
  const { containerRuntimes = [], drivers = [], openPorts = [] } = facts;
  const parts = [
    system,
    kernel,
    cpu === undefined ? undefined : `${cpus ?? '?'} x ${cpu}`,
    memoryBytes === undefined ? undefined : `${(memoryBytes / 2 ** 30).toFixed(0)} GiB`,
    ...drivers.slice(0, 8),
    ...containerRuntimes,
    openPorts.length === 0 ? undefined : `ports ${openPorts.slice(0, 16).join(', ')}`,
    updates === undefined ? undefined : `${updates} security updates to come`,
  ];
  return readable(parts.filter((part) => part !== undefined).join('; '));
}

export async function lease(
  slot: unknown,
  flags: { data?: string; until?: string; json?: boolean },
): Promise<number> {
  const untilMs = flags.until === undefined ? undefined : Date.parse(flags.until);
  if (untilMs !== undefined && !(untilMs > Date.now()))
    throw invalid('--until', 'a time to come, such as 2030-01-31T12:00:00Z', flags.until!);
  // before it is written: what no miner can read could not be taken back either
  const [lease] = parseLeases({ leases: [{ slot, ...(untilMs ? { untilMs } : {}) }] }, 'slot');
  await change(flags.data!, (leases) => withLease(leases, lease!, Date.now()));
  if (flags.json) printJson({ ...lease!, isLeased: true });
  else
    print(
      `slot ${slot} is leased${untilMs ? ` until ${new Date(untilMs).toISOString()}` : ''}: proofs keep out of its way`,
    );
  return EXIT.ok;
}

export async function release(slot: number, flags: { data?: string; json?: boolean }): Promise<number> {
  await change(flags.data!, (leases) => withoutLease(leases, slot, Date.now()));
  if (flags.json) printJson({ slot, isLeased: false });
  else print(`slot ${slot} is given back: proofs may use it`);
  return EXIT.ok;
}

/** One command at a time; the miner reads what is there, whole. */
async function change(
  data: string,
  by: (leases: Awaited<ReturnType<typeof readLeases>>) => ReturnType<typeof withoutLease>,
) {
  const path = dataPaths.leases(data);
  const unlock = lockFile(join(data, 'leases'), `--data ${data}`);
  try {
    await writeLeases(path, by(await readLeases(path)));
  } finally {
    unlock();
  }
}
