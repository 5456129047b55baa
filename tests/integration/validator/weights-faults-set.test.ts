import { strikeEverywhere } from '../../support/weights-faults.js';

strikeEverywhere('set');
