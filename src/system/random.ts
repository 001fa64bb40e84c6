import { randomUUID } from 'node:crypto';
import type { Random } from '../api/index.js';

/** Real chance. */
export const systemRandom: Random = {
  next: () => Math.random(),
  uuid: () => randomUUID(),
};
