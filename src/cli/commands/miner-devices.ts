// Owns: `assay miner devices`: what this host can compute on, what each is called in --slots, and what is wrong with the rest.
import { z } from 'zod';
import type { FoundDevice, FoundDevices } from '../../compute/find-devices.js';
import { suggestedClass } from '../../verification/catalogue.js';
import { loadFlags } from '../config.js';
import { EXIT, print, printJson, printProse } from '../output.js';
import { sayWhile } from '../progress.js';
import { Table } from '../table.js';

const schema = z.strictObject({ json: z.boolean().default(false) });

export async function devices(flags: Record<string, unknown>): Promise<number> {
  const { json } = loadFlags(schema, flags);
  const { findDevices } = await import('../../compute/find-devices.js');
  const found = await sayWhile('looking for devices', () => findDevices());
  if (json)
    printJson({
      ...found,
      devices: found.devices.map((device) => ({ ...device, suggestedClass: classOf(device) ?? null })),
    });
  else {
    const { driver } = found;
    if (driver) print(`NVIDIA driver ${driver.version}`);
    print(tableOf(found));
    printProse(wordsOf(found));
  }
  return EXIT.ok;
}

const classOf = ({ name, memoryBytes }: FoundDevice): string | undefined => suggestedClass(name, memoryBytes);

function tableOf({ devices: all }: FoundDevices): string {
  const table = new Table({ head: ['device', 'name', 'memory', 'class', 'now'] });
  for (const device of all) {
    const { id, name, memoryBytes } = device;
    const memory = memoryBytes === undefined ? '' : `${(memoryBytes / 1e9).toFixed(1)} GB`;
    table.push([id, name, memory, classOf(device) ?? '', nowOf(device)]);
  }
  return table.toString();
}

function wordsOf({ devices: all, absent }: FoundDevices): string {
  return [
    ...all.flatMap(({ id, problem }) => (problem === undefined ? [] : [`${id} cannot be used: ${problem}`])),
    ...absent.map(({ backend, why }) => `no ${backend}: ${why}`),
    'a class is what the name suggests: what counts is what a device proves (assay miner doctor --device ID)',
  ].join('\n');
}

/** What is read beside proofs and trusted by nobody. */
function nowOf({ nvidia }: FoundDevice): string {
  if (!nvidia) return '';
  const { temperatureC, powerW, usedBytes, busyPercent, processes } = nvidia.state;
  return [
    temperatureC === undefined ? undefined : `${temperatureC} C`,
    powerW === undefined ? undefined : `${Math.round(powerW)} W`,
    usedBytes === undefined ? undefined : `${(usedBytes / 1e9).toFixed(1)} GB used`,
    busyPercent === undefined ? undefined : `${busyPercent} % busy`,
    processes.length === 0 ? undefined : `${processes.length} processes`,
    nvidia.ecc === false ? 'ECC off' : undefined,
    nvidia.link && `PCIe ${nvidia.link.generation} x${nvidia.link.width}`,
  ]
    .filter(Boolean)
    .join(', ');
}
