/**
 * HorizontalPodAutoscalers of autoscaling/v1 and v2. v1 knows the CPU utilisation alone: what else v2 says is carried in the
 * annotations that Kubernetes uses, so that nothing is lost on the way there and back.
 */
import type { JsonObject, JsonValue } from '../../../api/index.js';

const carried = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics',
  behavior: 'autoscaling.alpha.kubernetes.io/behavior',
  currentMetrics: 'autoscaling.alpha.kubernetes.io/current-metrics',
  conditions: 'autoscaling.alpha.kubernetes.io/conditions',
} as const;

interface Metric {
  readonly type?: string;
  readonly resource?: {
    readonly name?: string;
    readonly target?: { readonly type?: string; readonly averageUtilization?: number };
    readonly current?: { readonly averageUtilization?: number };
  };
}

export function convertAutoscaler(object: JsonObject, apiVersion: string): JsonObject {
  const apart = partsOf(object);
  const converted = apiVersion === 'autoscaling/v1' ? toV1(apart) : toV2(apart);
  const { annotations: _, ...metadata } = (object.metadata ?? {}) as JsonObject;
  const annotations = Object.fromEntries(converted.annotations);
  return {
    ...object,
    apiVersion,
    metadata: { ...metadata, ...(converted.annotations.size === 0 ? {} : { annotations }) },
    spec: converted.spec,
    ...(converted.status === undefined ? {} : { status: converted.status }),
  };
}

interface Parts {
  readonly spec: JsonObject;
  readonly status: JsonObject | undefined;
  readonly annotations: Map<string, JsonValue>;
}

function partsOf(object: JsonObject): Parts {
  const { annotations = {} } = (object.metadata ?? {}) as { annotations?: JsonObject };
  return {
    spec: (object.spec ?? {}) as JsonObject,
    status: object.status as JsonObject | undefined,
    annotations: new Map(Object.entries(annotations)),
  };
}

/** A metric of the CPU utilisation of the pods, as v1 has it in a field of its own. */
function isCpuUtilization({ type, resource }: Metric): boolean {
  return type === 'Resource' && resource?.name === 'cpu' && resource.target?.type === 'Utilization';
}

function toV1({ spec, status, annotations }: Parts): Parts {
  const { metrics = [], behavior, ...rest } = spec as { metrics?: Metric[]; behavior?: JsonObject };
  const cpu = metrics.find(isCpuUtilization);
  const others = metrics.filter((metric) => metric !== cpu);
  carry(annotations, carried.metrics, others.length > 0 ? others : undefined);
  carry(annotations, carried.behavior, behavior);
  const percent = cpu?.resource?.target?.averageUtilization;
  const plain: JsonObject = {
    ...(rest as JsonObject),
    ...(percent === undefined ? {} : { targetCPUUtilizationPercentage: percent }),
  };
  if (!status) return { spec: plain, status, annotations };
  const { currentMetrics, conditions, ...kept } = status as {
    currentMetrics?: Metric[];
    conditions?: JsonValue;
  };
  const current = currentMetrics?.find((m) => m.type === 'Resource' && m.resource?.name === 'cpu');
  const reading = current?.resource?.current?.averageUtilization;
  carry(annotations, carried.currentMetrics, currentMetrics?.length ? currentMetrics : undefined);
  carry(annotations, carried.conditions, conditions);
  return {
    spec: plain,
    status: {
      ...(kept as JsonObject),
      ...(reading === undefined ? {} : { currentCPUUtilizationPercentage: reading }),
    },
    annotations,
  };
}

function toV2({ spec, status, annotations }: Parts): Parts {
  const { targetCPUUtilizationPercentage: percent, ...rest } = spec;
  const metrics = [
    ...listIn(annotations, carried.metrics),
    ...(percent === undefined
      ? []
      : [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } },
          },
        ]),
  ];
  const behavior = takenFrom(annotations, carried.behavior);
  const full: JsonObject = {
    ...rest,
    ...(metrics.length === 0 ? {} : { metrics }),
    ...(isObject(behavior) ? { behavior } : {}),
  };
  if (!status) return { spec: full, status, annotations };
  const { currentCPUUtilizationPercentage: _, ...kept } = status;
  const current = listIn(annotations, carried.currentMetrics);
  const conditions = listIn(annotations, carried.conditions);
  return {
    spec: full,
    status: {
      ...kept,
      ...(current.length === 0 ? {} : { currentMetrics: current }),
      ...(conditions.length === 0 ? {} : { conditions }),
    },
    annotations,
  };
}

function carry(annotations: Map<string, JsonValue>, name: string, value: unknown): void {
  if (value === undefined) annotations.delete(name);
  else annotations.set(name, JSON.stringify(value));
}

/** What an annotation carries; one that somebody wrote by hand and that is no JSON is left alone. */
function takenFrom(annotations: Map<string, JsonValue>, name: string): JsonValue | undefined {
  const text = annotations.get(name);
  if (typeof text !== 'string') return undefined;
  try {
    const value = JSON.parse(text) as JsonValue;
    annotations.delete(name);
    return value;
  } catch {
    return undefined;
  }
}

function listIn(annotations: Map<string, JsonValue>, name: string): readonly JsonValue[] {
  const value = takenFrom(annotations, name);
  return Array.isArray(value) ? value : [];
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
