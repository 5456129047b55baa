import type { ScenarioFile } from '../scenario.js';
import { subnet } from './base.js';
import { sellPressure } from './sell-pressure.js';

export const flowRule: ScenarioFile = {
  ...sellPressure,
  name: 'flow-rule',
  title: 'The same selling under the TAO-flow rule of spec 403',
  description:
    'From November 2025 to June 2026 the TAO of a block was shared by net inflows. The subnet begins with the flow that its price would give it. Buyers bring 60 TAO a day; miners who sell all they earn take about as much out. Sweep miners.sellers.sells: what costs a few per cent of the share under average prices decides all of it under flows.',
  network: { specVersion: 403 },
  subnet: { ...subnet, flowTaoPerDay: 33 },
  market: { buyTaoPerDay: 60 },
};
