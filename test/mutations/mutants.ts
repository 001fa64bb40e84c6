/** What is broken, and which test must notice. */
export interface Mutant {
  /** The row of sdk-features §2 in docs/features.md. */
  readonly row: number;
  /** What is broken, in words. */
  readonly breaks: string;
  /** The module, relative to the package, and the text in it that is there once. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The test file below build/test, and the title of the one test in it. */
  readonly test: string;
  readonly title: string;
}

export const mutants: readonly Mutant[] = [
  {
    row: 7,
    breaks: 'an index lookup that leaves out own writes',
    file: 'dist/core/reconcile/own-writes.js',
    from: 'if (object && belongs(object))',
    to: 'if (false)',
    test: 'core/reconcile/own-writes.test.js',
    title: 'shows every answered write or something newer',
  },
  {
    row: 7,
    breaks: 'an own deletion that is forgotten at once',
    file: 'dist/core/reconcile/own-writes.js',
    from: 'return cached && this.#deleted.has(cached.metadata.uid) ? undefined : cached;',
    to: 'return cached;',
    test: 'core/reconcile/own-writes.test.js',
    title: 'shows every answered write or something newer',
  },
  {
    row: 8,
    breaks: 'a member that does not wait for who has its keys',
    file: 'dist/core/election/shard-member.js',
    from: ' && !others.some((other) => other.claims(slot))',
    to: '',
    test: 'core/election/contract.test.js',
    title: 'sharding: no two members send a write for one key in overlapping terms',
  },
  {
    row: 8,
    breaks: 'a term that does not end by the clock',
    file: 'dist/core/election/term.js',
    from: ' && this.#options.clock.monotonic() < this.#until',
    to: '',
    test: 'core/election/contract.test.js',
    title: 'sharding: no two members send a write for one key in overlapping terms',
  },
  {
    row: 8,
    breaks: 'a ring that is published before what it takes away is given up',
    file: 'dist/core/election/shard-member.js',
    from: 'this.#withdraw((slot) => !claim.mine(slot));',
    to: '',
    test: 'core/election/shard-member.test.js',
    title: 'stops writing what a ring takes from it before others can read that ring',
  },
  {
    row: 9,
    breaks: 'a queue without turns',
    file: 'dist/core/controller/controller-runner.js',
    from: "const group = fairness === 'namespace' ? namespaceOf : fairness;",
    to: 'const group = undefined;',
    test: 'core/controller/waking.test.js',
    title: 'gives a quiet namespace its turn',
  },
  {
    row: 10,
    breaks: 'an explanation without what changed',
    file: 'dist/core/observe/journal.js',
    from: 'changedFields(before, now)',
    to: '[]',
    test: 'core/observe/observe.test.js',
    title: 'says why a reconcile ran',
  },
  {
    row: 11,
    breaks: 'a detector that never judges',
    file: 'dist/core/observe/hot-loops.js',
    from: 'if (suspect.runs >= this.#runs)',
    to: 'if (false)',
    test: 'core/observe/observe.test.js',
    title: 'names the field that a controller changes with every write of its own',
  },
  {
    row: 15,
    breaks: 'pruning what belongs to somebody else',
    file: 'dist/core/children/apply-all.js',
    from: ' || !belongs(present, owner)',
    to: '',
    test: 'core/children/children.test.js',
    title: 'never deletes what belongs to somebody else',
  },
  {
    row: 19,
    breaks: 'a step whose end is not recorded before the next begins',
    file: 'dist/core/steps/steps.js',
    from: 'await ctx.flush();',
    to: '',
    test: 'core/steps/steps.test.js',
    title: 'run a step again at most, and none too early, when write 0 fails before it is done',
  },
  {
    row: 19,
    breaks: 'a finished step that is run again',
    file: 'dist/core/steps/steps.js',
    from: 'if (finished.has(name))',
    to: 'if (false)',
    test: 'core/steps/steps.test.js',
    title: 'wait where one asks for time, and fail where one fails',
  },
  {
    row: 20,
    breaks: 'definitions that are deleted while a finalizer holds',
    file: 'dist/core/manager/uninstall.js',
    from: 'if (left.length === 0)',
    to: 'if (left.length < 2)',
    test: 'core/manager/uninstall.test.js',
    title: 'leaves the definitions while a finalizer holds',
  },
  {
    row: 18,
    breaks: 'an API server that is not told whom to believe',
    file: 'dist/core/webhooks/webhook-server.js',
    from: ', caBundle })',
    to: ' })',
    test: 'core/webhooks/webhooks.test.js',
    title: 'are served over HTTPS with certificates of their own',
  },
  {
    row: 18,
    breaks: 'a failure that becomes an admission',
    file: 'dist/core/webhooks/admission.js',
    from: 'allowed: false,',
    to: 'allowed: true,',
    test: 'core/webhooks/webhooks.test.js',
    title: 'never becomes an admission when a function throws',
  },
];
