import { startProcess } from './process-harness.js';
import { lifecycleSuite } from './suite.js';

if (process.platform !== 'win32') lifecycleSuite('process', startProcess);
