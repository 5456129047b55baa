// Owns: `assay miner plot`: a plot made or made larger, with its progress. Does not own: how (compute/disk), what it proves.
import { createPlot } from '../../compute/disk/create-plot.js';
import { fromAddress } from '../../keys/ss58.js';
import { STORAGE_PARAMS } from '../../verification/kinds/storage/params.js';
import { slotPlace } from '../../verification/seed.js';
import { invalid } from '../invalid-input.js';
import { EXIT, print, printJson } from '../output.js';
import { createProgress } from '../progress.js';

export interface PlotFlags {
  readonly folder: string;
  readonly hotkey: string;
  readonly worker: string;
  readonly slot: number;
  readonly class: string;
  readonly sectors: number;
  readonly threads?: number;
  readonly json?: boolean;
}

/** May be stopped at any time and called again: it goes on where it was. */
export async function plot(flags: PlotFlags, signal: AbortSignal): Promise<number> {
  const { folder, worker, slot, sectors, threads } = flags;
  const params = STORAGE_PARAMS.find((each) => each.class === flags.class);
  if (!params) throw invalid('--class', STORAGE_PARAMS.map((each) => each.class).join(' or '), flags.class);
  if (sectors < params.minSectors || sectors > params.maxSectors)
    throw invalid(
      '--sectors',
      `${params.minSectors}..${params.maxSectors} for ${params.class}`,
      `${sectors}`,
    );
  const place = slotPlace({ hotkey: fromAddress(flags.hotkey), worker, slot });
  const { sectorBlocks, passes, leafBlocks } = params;
  const name = { place, sectorBlocks, passes, leafBlocks };
  let progress: ReturnType<typeof createProgress> | undefined;
  try {
    const made = await createPlot(
      {
        folder,
        name,
        sectors,
        ...(threads === undefined ? {} : { threads }),
        onProgress({ done, sectors: total }) {
          progress ??= createProgress({ unit: 'sectors', total, already: done });
          progress.update(done);
        },
      },
      signal,
    );
    progress?.end();
    if (flags.json)
      printJson({
        folder,
        class: params.class,
        worker,
        slot,
        sectors: made.sectors,
        root: new Uint8Array(made.root), // a Buffer has a JSON of its own
      });
    else
      print(`${made.sectors} sectors of class ${params.class} in ${folder}, for slot ${slot} of ${worker}`);
    return EXIT.ok;
  } finally {
    progress?.end();
  }
}
