import { startSimulated } from './simulated-harness.js';
import { lifecycleSuite } from './suite.js';

lifecycleSuite('simulated', startSimulated);
