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
  addUsage,
  inQuotaScope,
  parseApiVersion,
  quantityMillis,
  quotaUsage,
  quantityUnits,
  safeAlphabet,
  timestamp,
} from '../api/index.js';
export type { LabelSelector } from '../api/kinds/meta/v1.js';
export {
  type AnyObject,
  type ApplyOptions,
  type AttachOptions,
  type Client,
  createClient,
  type ExecOptions,
  type ExecSession,
  isWaitTimeout,
  KubeconfigError,
  type ListOptions,
  type LogOptions,
  type LogStream,
  type ObservedRequest,
  type RequestAttributes,
  type RequestObserver,
  type RetryOptions,
  type WaitCondition,
  type WaitOptions,
  WaitTimeout,
  type WriteOptions,
} from '../client/index.js';
export { byField, byLabel, byOwnerUid, type IndexFn, type MissingPermission } from '../informers/index.js';
export {
  type Attributes,
  type Counter,
  createLogger,
  createTracer,
  exponentialBuckets,
  type FinishedSpan,
  formatMetrics,
  type Gauge,
  type Histogram,
  type LogFields,
  type Logger,
  type LogLevel,
  type LogLevels,
  redactSecrets,
  type HealthCheck,
  Registry,
  silentLogger,
  type SimpleTracerOptions,
  type Span,
  type SpanContext,
  type Tracer,
} from '../telemetry/index.js';
export { EventRecorder, type EventSubject } from './reconcile/events.js';
export {
  type AppliedAll,
  applyAll,
  type ApplyAllOptions,
  type Child,
  child,
  deleteAll,
} from './children/apply-all.js';
export {
  type Dependent,
  dependents,
  type DependentsResult,
  type DependentState,
} from './children/dependents.js';
export { Inventory, type InventoryEntry, ownerLabel } from './children/inventory.js';
export {
  uninstall,
  type UninstallDeps,
  type UninstallOptions,
  UninstallTimeout,
} from './manager/uninstall.js';
export { createOrPatch, type CreatedOrPatched } from './reconcile/create-or-patch.js';
export { computeStatus, type ObjectStatus, type StatusPhase } from './reconcile/kstatus.js';
export { reportProgress, reportReady, reportStalled } from './reconcile/report.js';
export {
  type Step,
  type StepResults,
  Steps,
  steps,
  type StepsOptions,
  type StepsRun,
  type StepsStatus,
} from './steps/steps.js';
export { findCondition, isConditionTrue, setCondition } from './reconcile/conditions.js';
export type { Constructor, Provider, Resolve } from './registration/container.js';
export type * from './reconcile/context.js';
export {
  Controller,
  Finalizer,
  Index,
  Inject,
  Owns,
  type OwnsOptions,
  Rbac,
  Source,
  Timer,
  Watches,
  type WatchesOptions,
} from './controller/decorators.js';
export { type ControllerBuilder, controllerFor } from './controller/controller-for.js';
export {
  ControllerRunner,
  type ControllerRunnerDeps,
  type ControllerState,
} from './controller/controller-runner.js';
export { type HeldUpBy, ownerIndex } from './controller/watching.js';
export { isPaused, pausedAnnotation } from './controller/pause.js';
export { type CrdInstallDeps, installCrd } from './kinds/crd-install.js';
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
} from './kinds/custom-resource.js';
export type * from './controller/definition.js';
export type { KeyAdmission, Term } from './controller/key-admission.js';
export { LeaderElector, type LeaderElectorOptions, type Leadership } from './election/leader-elector.js';
export { isLeadershipLost, LeadershipLost } from './election/leadership-lost.js';
export type { DivisionOptions, LeaderElectionOptions, ShardingOptions } from './election/options.js';
export { ShardMember, type ShardMemberOptions, type ShardState } from './election/shard-member.js';
export { isTermOver, TermOver } from './election/term.js';
export {
  type LeaseTiming,
  leaseTiming,
  type LeaseTimingOptions,
  toleratedPauseMs,
} from './election/timing.js';
export type {
  CacheRead,
  ControllerObserver,
  RunInfo,
  RunObserver,
  Trigger,
} from './controller/observer.js';
export { type ControllerClass, definitionOf } from './controller/definition-of.js';
export { Expectations, type ExpectationsOptions } from './reconcile/expectations.js';
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
} from './kinds/field-decorators.js';
export { Manager, type ManagerOptions } from './manager/manager.js';
export type { ClustersOptions } from './manager/connections.js';
export type { Registrable } from './manager/registrations.js';
export { controllerOf, controllerReference, refersTo, withController } from './reconcile/owner-references.js';
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
} from './controller/predicates.js';
export { ReconcileEnded } from './reconcile/reconcile-context.js';
export { UnwatchedKind } from './reconcile/watched-caches.js';
export type {
  AnyClass,
  ControllerOptions,
  ElementType,
  ElementTypeRef,
  KindRef,
  ScalarType,
} from './registration/metadata.js';
export {
  type HistoryOptions,
  historyOf,
  historyText,
  type ObjectHistory,
  type Revision,
  type WrittenBy,
} from './observe/history.js';
export type { ChangedField } from './observe/changed-fields.js';
export { type HotLoop, type HotLoopOptions, HotLoops } from './observe/hot-loops.js';
export { Journal, type JournalOptions, type RecordedRun } from './observe/journal.js';
export {
  declaredRules,
  type Permission,
  PermissionRecorder,
  type PolicyRule,
} from './observe/permissions.js';
export { type Preview, preview, type PreviewedChange, type PreviewOptions } from './observe/preview.js';
export { ControllerMetrics, type ObservedController } from './telemetry/controller-metrics.js';
export type { EndpointAuth } from './telemetry/delegated-auth.js';
export type { EndpointAnswer, EndpointOptions, EndpointRequest } from './telemetry/http-endpoint.js';
export { InformerMetrics } from './telemetry/informer-metrics.js';
export { type LeaderMetrics, leaderMetrics } from './telemetry/leader-metrics.js';
export type { HealthOptions, MetricsOptions, TelemetryOptions } from './telemetry/manager-telemetry.js';
export {
  ReconcileTracing,
  traceparentAnnotation,
  type TracingOptions,
} from './telemetry/reconcile-tracing.js';
export { requestMetrics, type RequestMetricsOptions } from './telemetry/request-metrics.js';
export { type WebhookMetrics, webhookMetrics } from './telemetry/webhook-metrics.js';
export { isRegistrationError, RegistrationError } from './registration/registration-error.js';
export * from './reconcile/result.js';
export { isRunnable, type Runnable, type RunnableContext, type RunnableGroup } from './manager/runnable.js';
export { type Outcome, ReconcileTimeout, Runner, type RunnerOptions } from './queue/runner.js';
export { schemaOfClass } from './kinds/schema-emitter.js';
export { type Token, token, type TypedSymbol } from './registration/token.js';
export type { ClusterTarget } from './manager/transports.js';
export { type AddOptions, type RetryBudget, WorkQueue, type WorkQueueOptions } from './queue/workqueue.js';
export {
  type AdmissionDefinition,
  type AdmissionOperation,
  type AdmissionRequest,
  answerAdmission,
  type Defaulter,
  type FieldProblem,
  type Validator,
  type WebhookBuilder,
  webhookFor,
  type WebhookSettings,
} from './webhooks/admission.js';
export { classRules } from './webhooks/class-rules.js';
export {
  answerConversion,
  checkRoundTrip,
  type Conversion,
  type ConversionBuilder,
  type ConversionDefinition,
  conversionFor,
  type Converted,
} from './webhooks/conversion.js';
export { Admission, admissionOf, Defaults, Validates } from './webhooks/decorators.js';
export { type WebhookRegistry, WebhookServer, type WebhookServerOptions } from './webhooks/webhook-server.js';
