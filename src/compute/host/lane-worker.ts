// Owns: a lane on a thread of its own. Does not own: its orders (orders.ts), who starts it (threads.ts).
import { constants, getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { createLaneHand, type LaneWorkerData, type Order } from './orders.js';

/** More than what started it: beside others who want the same core a tenth is left to this thread. */
const GIVES_WAY = 10;

// Linux alone counts it for a thread; elsewhere it would be the whole process
if ((workerData as LaneWorkerData).givesWay && process.platform === 'linux')
  try {
    setPriority(0, Math.min(constants.priority.PRIORITY_LOW, getPriority(0) + GIVES_WAY));
  } catch {
    // a sandbox that forbids it: the lane works all the same
  }
const take = createLaneHand((answer) => parentPort?.postMessage(answer));
parentPort?.on('message', (order: Order) => take(order));
