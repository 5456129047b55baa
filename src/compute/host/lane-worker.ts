// Owns: a lane on a thread of its own. Does not own: its orders (orders.ts), who starts it (threads.ts).
import { parentPort } from 'node:worker_threads';
import { createLaneHand, type Order } from './orders.js';

const take = createLaneHand((answer) => parentPort?.postMessage(answer));
parentPort?.on('message', (order: Order) => take(order));
