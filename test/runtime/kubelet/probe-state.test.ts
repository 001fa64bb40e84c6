import { expect } from 'chai';
import { afterProbe, initialProbeState, type ProbeType } from '#src/runtime/kubelet/probe-state.js';

/** `+` success, `-` failure, `?` error; outcomes after each: `+`, `-` or `?` for unknown. */
const rows: readonly (readonly [
  title: string,
  type: ProbeType,
  success: number,
  failure: number,
  results: string,
  outcomes: string,
])[] = [
  ['readiness starts as a failure and follows the first success', 'readiness', 1, 3, '+', '+'],
  ['readiness fails after three in a row', 'readiness', 1, 3, '+---', '+++-'],
  ['a success in between starts the count anew', 'readiness', 1, 3, '+--+--', '++++++'],
  ['success may take several too', 'readiness', 2, 1, '+-++', '---+'],
  ['liveness starts as a success', 'liveness', 1, 3, '--', '++'],
  ['and fails after three', 'liveness', 1, 3, '---', '++-'],
  ['startup starts as unknown', 'startup', 1, 2, '-+', '?+'],
  ['and fails after enough failures', 'startup', 1, 2, '--', '?-'],
  ['what could not be probed says nothing, and breaks no row', 'liveness', 1, 3, '--?-', '+++-'],
];

const sign = { success: '+', failure: '-', unknown: '?' } as const;

describe('afterProbe', () => {
  for (const [title, type, success, failure, results, outcomes] of rows) {
    it(`KL-9 ${title}`, () => {
      let state = initialProbeState(type);
      let seen = '';
      for (const result of results) {
        const outcome = result === '+' ? 'success' : result === '-' ? 'failure' : 'error';
        state = afterProbe(state, { outcome, message: '' }, { success, failure });
        seen += sign[state.outcome];
      }
      expect(seen).to.equal(outcomes);
    });
  }
});
