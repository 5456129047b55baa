// Owns: what pages must know of parameter sets and classes, as a value. Does not own: them (verification).
import type { Credit } from '../model/credit.js';

export interface SetFacts {
  /** e.g. `gpu-4090` */
  readonly className: string;
  /** of the first step: what comes later is `window` */
  readonly windowMs: number;
  /** what a device of the class is expected to be credited */
  readonly nominal: Credit;
}

export interface ParameterFacts {
  /** undefined for a set that is not known here */
  set(paramsId: string): SetFacts | undefined;
  /** the class of what was proven, whatever was claimed; undefined where it is none */
  classOf(proven: Credit): string | undefined;
}

export const noParameterFacts: ParameterFacts = { set: () => undefined, classOf: () => undefined };
