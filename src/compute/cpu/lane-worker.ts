// Owns: a lane on a thread of its own. Does not own: its orders (lane-host.ts), who starts it (crew.ts).
import { parentPort, workerData } from 'node:worker_threads';
import type { LaneParts } from './lane.js';
import { createLaneHost, type LaneOrder } from './lane-host.js';
import { loadOnnx } from './onnx.js';

const parts = workerData as Omit<LaneParts, 'onnx' | 'meter'>;
const onnx = parts.engine === 'onnx' ? await loadOnnx() : undefined;
const take = createLaneHost({ ...parts, onnx }, (answer) => parentPort?.postMessage(answer));
parentPort?.on('message', (order: LaneOrder) => take(order));
