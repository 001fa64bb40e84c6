/** A pod's RuntimeClass exists, and says what it costs and where it runs (OC-20). */
import { deepEqualJson, type JsonValue } from '../../../api/index.js';
import type { Toleration } from '../../../api/kinds/core/v1.js';
import type { RuntimeClass as Class } from '../../../api/kinds/node/v1.js';
import type { Fillable, Given } from '../../builtin/given.js';
import type { AdmissionAttributes } from '../admission.js';
import type { Lookup } from '../lookup.js';
import { type NewPod, podForbidden, PodPlugin, type PodSpec } from './pod-plugin.js';

const runtimeClasses = { group: 'node.k8s.io', plural: 'runtimeclasses' };

export class RuntimeClass extends PodPlugin {
  readonly name = 'RuntimeClass';

  constructor(private readonly lookup: Lookup) {
    super();
  }

  protected fillIn({ spec }: NewPod & { spec: PodSpec }, attributes: AdmissionAttributes): boolean {
    const { runtimeClassName } = spec;
    if (!runtimeClassName) {
      if (spec.overhead !== undefined)
        throw podForbidden(
          attributes,
          'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
        );
      return false;
    }
    const found = this.lookup.get<Given<Class>>(runtimeClasses, '', runtimeClassName);
    if (!found)
      throw podForbidden(
        attributes,
        `pod rejected: RuntimeClass ${JSON.stringify(runtimeClassName)} not found`,
      );
    setOverhead(spec, found, attributes);
    setScheduling(spec, found, attributes);
    return true;
  }
}

function setOverhead(spec: PodSpec, { overhead }: Given<Class>, attributes: AdmissionAttributes): void {
  const fixed = overhead?.podFixed;
  if (spec.overhead !== undefined && !deepEqualJson(spec.overhead as JsonValue, (fixed ?? {}) as JsonValue))
    throw podForbidden(
      attributes,
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    );
  if (fixed) spec.overhead = { ...fixed } as Record<string, string>;
}

function setScheduling(spec: PodSpec, { scheduling }: Given<Class>, attributes: AdmissionAttributes): void {
  const selector = new Map(Object.entries(spec.nodeSelector ?? {}));
  for (const [key, value = ''] of Object.entries(scheduling?.nodeSelector ?? {})) {
    const wanted = selector.get(key);
    if (wanted !== undefined && wanted !== value)
      throw podForbidden(
        attributes,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${wanted}`,
      );
    selector.set(key, value);
  }
  if (selector.size > 0) spec.nodeSelector = Object.fromEntries(selector) as Record<string, string>;
  const tolerations = (spec.tolerations ?? []) as Fillable<Toleration>[];
  for (const toleration of (scheduling?.tolerations ?? []) as Fillable<Toleration>[])
    if (!tolerations.some((each) => deepEqualJson(each as JsonValue, toleration as JsonValue)))
      tolerations.push({ ...toleration });
  if (tolerations.length > 0) spec.tolerations = tolerations;
}
