// Owns: a model on a thread of its own. Does not own: its orders (orders.ts), who starts it (model.ts).
import { parentPort, workerData } from 'node:worker_threads';
import { type EngineOrder, type Order, takeOrders } from './orders.js';

const port = parentPort!; // only ever a thread
// an order may come before the sessions are open
const early: Order[] = [];
let take = (order: Order): void => void early.push(order);
port.on('message', (order: Order) => take(order));
take = await takeOrders(
  workerData as EngineOrder,
  (answer) => port.postMessage(answer),
  () => port.close(),
);
for (const order of early) take(order);
