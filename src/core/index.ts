import 'reflect-metadata';

/** Everything an operator author needs. */
export {
  ApiError,
  type Condition,
  type Defaulted,
  type Draft,
  type Duration,
  durationMs,
  type Input,
  isAlreadyExists,
  isApiError,
  isConflict,
  isExpired,
  isForbidden,
  isInvalid,
  isNoSuchKind,
  isNotFound,
  isOutcomeUnknown,
  isTransportError,
  type Key,
  type Kind,
  kind,
  type KindOf,
  type KubernetesObject,
  type LabelSelectorObject,
  type OwnerReference,
  type Scope,
  type Shared,
  type Transport,
  type UserInfo,
} from '../api/index.js';
export type { Client } from '../client/index.js';
export { findCondition, isConditionTrue, setCondition } from './conditions.js';
export type * from './context.js';
export { ControllerRunner, type ControllerRunnerDeps, ownerIndex } from './controller-runner.js';
export type * from './definition.js';
export { controllerOf, controllerReference, refersTo, withController } from './owner-references.js';
export {
  all,
  annotationsChanged,
  any,
  defaultPredicate,
  deletionChanged,
  finalizersChanged,
  generationChanged,
  labelsChanged,
  not,
  resourceVersionChanged,
} from './predicates.js';
export { ReconcileEnded, UnwatchedKind } from './reconcile-context.js';
export * from './result.js';
export { type Outcome, ReconcileTimeout, Runner, type RunnerOptions } from './runner.js';
export { type AddOptions, WorkQueue, type WorkQueueOptions } from './workqueue.js';
