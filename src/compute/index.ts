// Owns: devices that multiply exactly. Does not own: what is proven with them (verification).
export { type Compute, type Devices, type Multiplier, operandRows } from './compute.js';
export { createPackedCompute } from './cpu/packed.js';
export { createReferenceCompute } from './cpu/reference.js';
export { createWasmCompute } from './cpu/wasm.js';
export {
  type CreatedPlot,
  type CreatePlotOptions,
  checkPlot,
  createPlot,
  type PlotProgress,
} from './disk/create-plot.js';
export { createFileDisk, type FileDisk, type FileDiskOptions } from './disk/file.js';
export { createMemoryDisk } from './disk/memory.js';
export type { Disk, Plot } from './disk.js';
export { createPlainHost } from './host/plain.js';
export { createThreadedHost } from './host/threads.js';
export type { HostLanes, HostMemory } from './host.js';
export type { LabelRoots, Labels, LabelsSpec, Place } from './labels.js';
export type {
  Link,
  LinkOffer,
  PullEnd,
  PullTicket,
  Segment,
  ServeShape,
  ServeTicket,
  StreamShape,
} from './link.js';
export { inexactProduct, type OpenCpuOptions, openCpu } from './probe.js';
export { wrongLabels } from './probe-labels.js';
export { type IsolateOptions, isolateDevice } from './process/isolate.js';
export { createPlainLabels, type Turns } from './spec/plain-labels.js';
export type { PlotName, PlotShape } from './spec/plot.js';
export {
  DEFAULT_LINK_LIMITS,
  type LinkLimits,
  openTcpLink,
  type TcpLink,
  type TcpLinkOptions,
} from './tcp/link.js';
