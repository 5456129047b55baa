import type { ScenarioFile } from '../scenario.js';
import { sellPressure } from './sell-pressure.js';

export const flowRule: ScenarioFile = {
  ...sellPressure,
  name: 'flow-rule',
  title: 'The same selling under the TAO-flow rule of spec 403',
  description:
    'From November 2025 to June 2026 the TAO of a block was shared by net inflows. Miners who sell all they earn are an outflow: the same behaviour that costs a few per cent under price shares takes the whole TAO emission here.',
  network: { specVersion: 403 },
};
