/**
 * Writes the titles of the tests that passed into the file that GYRE_TEST_TITLES names, one per line: what
 * scripts/check-features.mjs holds docs/features.md against. Does nothing without it.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import type { Context } from 'mocha';

const file = process.env.GYRE_TEST_TITLES;
if (file) writeFileSync(file, '');

export const mochaHooks = file
  ? {
      afterEach(this: Context): void {
        const test = this.currentTest;
        if (test?.isPassed()) appendFileSync(file, `${test.fullTitle().replaceAll('\n', ' ')}\n`);
      },
    }
  : {};
