// Owns: what the doctor finds of one kind, and the host it looks at. Does not own: how it looks (examine.ts), how it tells (report.ts).
import type { Devices } from '../../compute/compute.js';
import type { FoundDevices } from '../../compute/find-devices.js';
import type { PlotName } from '../../compute/spec/plot.js';
import type { Credit } from '../../model/credit.js';
import type { CatalogueCard } from '../../verification/cards.js';
import type { Meeting, RehearsedStep } from '../../verification/rehearse.js';
import type { Card } from '../one-device.js';

/** Of the flags, what decides about more than one part of the doctor. */
export interface Asked {
  readonly kind?: readonly string[] | undefined;
  readonly class?: string | undefined;
  readonly small: boolean;
  readonly plots?: readonly string[] | undefined;
  readonly threads?: number | undefined;
  readonly device?: string | undefined;
}

/** One line of the report. */
export interface Finding {
  readonly kind: string;
  readonly class: string | undefined;
  /** content address of its parameter set, lower-case hex; undefined where none was taken */
  readonly paramsId: string | undefined;
  /** of a set that counts on localnets only */
  readonly simulated: boolean;
  /** `skipped`: nothing on this host to prove it with, which is no failure */
  readonly state: 'proven' | 'failed' | 'skipped';
  /** a verdict, or why it was not run */
  readonly said: string;
  /** what to do, where something can be done */
  readonly fix: string | undefined;
  /** what the figures do not say */
  readonly note: string | undefined;
  readonly credit: Credit;
  /** of a slot that counts one */
  readonly nominal: Credit;
  /** of one nominal slot of the class */
  readonly share: number;
  /** from the first byte of work to the verdict */
  readonly tookMs: number;
  readonly steps: readonly RehearsedStep[];
  readonly openingBytes: number;
  readonly prepareMs: number;
  readonly openMs: number;
  /** what it costs a validator */
  readonly verifyMs: number;
}

/** Which class a kind is proven under here, or why it is not. */
export type Choice =
  | { readonly class: string; readonly note?: string }
  | { readonly why: string; readonly fix?: string };

export interface Host {
  readonly devices: Devices;
  /** that computes in place of the CPUs */
  readonly card: Card | undefined;
  /** undefined where nothing computes */
  readonly found: FoundDevices | undefined;
  readonly meets: Meeting | undefined;
  /** the plot of --plots that storage is proven with */
  readonly plot: { readonly name: PlotName; readonly class: string } | undefined;
  /** names and figures of cards, an operator's own first */
  readonly catalogue: readonly CatalogueCard[];
  /** what was found so far */
  readonly findings: readonly Finding[];
}

/** Kinds that are proven on a device, be it the CPUs. */
export const ON_A_DEVICE: readonly string[] = ['compute', 'memory', 'liveness'];

export const computes = (names: readonly string[]): boolean =>
  names.some((name) => ON_A_DEVICE.includes(name));
