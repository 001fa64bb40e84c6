import 'reflect-metadata';

/**
 * Everything an operator author needs: custom kinds and controllers as decorated classes (or with
 * `controllerFor`), and the Manager that runs them.
 */
export {
  type ClusterName,
  type Clock,
  type Condition,
  type Defaulted,
  type Draft,
  type Duration,
  type Input,
  type InputValue,
  type JsonObject,
  type JsonValue,
  type Key,
  type Kind,
  type KindClass,
  type KindOf,
  type KubernetesList,
  type KubernetesObject,
  type NamespacedName,
  type ObjectMeta,
  type OwnerReference,
  type PartialObjectMeta,
  type Random,
  type Scope,
  type Shared,
  type Transport,
  ApiError,
  apiVersionOf,
  compareQuantity,
  compileLabelSelector,
  durationMs,
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
  keyOf,
  kind,
  NoSuchKind,
  OutcomeUnknown,
  sleep,
  TransportError,
} from '../api/index.js';
export {
  compareResourceVersion,
  deepEqualJson,
  groupKind,
  type LabelSelector as CompiledSelector,
  parseApiVersion,
  quantityMillis,
  quantityUnits,
  safeAlphabet,
  timestamp,
} from '../api/index.js';
export type { LabelSelector } from '../api/kinds/meta/v1.js';
export {
  type AnyObject,
  type ApplyOptions,
  type Client,
  createClient,
  type ListOptions,
  type WriteOptions,
} from '../client/index.js';
export type { IndexFn } from '../informers/index.js';
export {
  createLogger,
  type LogFields,
  type Logger,
  type LogLevel,
  silentLogger,
} from '../telemetry/index.js';
export { EventRecorder, type EventSubject } from './events.js';
export { findCondition, isConditionTrue, setCondition } from './conditions.js';
export type { Constructor, Provider, Resolve } from './container.js';
export type * from './context.js';
export {
  Controller,
  Finalizer,
  Index,
  Inject,
  Owns,
  Watches,
  type WatchesOptions,
} from './controller-decorators.js';
export { type ControllerBuilder, controllerFor } from './controller-for.js';
export { ControllerRunner, type ControllerRunnerDeps, ownerIndex } from './controller-runner.js';
export { type CrdInstallDeps, installCrd } from './crd-install.js';
export {
  type AnyCustomResource,
  type Column,
  type ColumnType,
  type CustomObject,
  CustomResource,
  type CustomResourceOptions,
  type IdentifiedInput,
  isCustomResource,
  type ScalePaths,
} from './custom-resource.js';
export type * from './definition.js';
export { type ControllerClass, definitionOf } from './definition-of.js';
export { Expectations, type ExpectationsOptions } from './expectations.js';
export {
  Conditions,
  Default,
  Description,
  IntOrString,
  Items,
  ListMap,
  ListSet,
  MapOf,
  Nested,
  Nullable,
  PreserveUnknown,
  Schema,
} from './field-decorators.js';
export { Manager, type ManagerOptions, type Registrable } from './manager.js';
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
export type {
  AnyClass,
  ControllerOptions,
  ElementType,
  ElementTypeRef,
  KindRef,
  ScalarType,
} from './metadata.js';
export { isRegistrationError, RegistrationError } from './registration-error.js';
export * from './result.js';
export { isRunnable, type Runnable, type RunnableContext } from './runnable.js';
export { type Outcome, ReconcileTimeout, Runner, type RunnerOptions } from './runner.js';
export { schemaOfClass } from './schema-emitter.js';
export { type Token, token, type TypedSymbol } from './token.js';
export type { ClusterTarget } from './transports.js';
export { type AddOptions, WorkQueue, type WorkQueueOptions } from './workqueue.js';
