/** Defaults of a pod's spec, as pods and templates of pods get them (OC-16). */
import type {
  Container,
  EphemeralContainer,
  HTTPGetAction,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  Volume,
} from '../../../api/kinds/core/v1.js';
import type { Fillable } from '../given.js';
import { tagOf } from './image.js';

/** rw-r--r-- */
const defaultMode = 0o644;

type AnyContainer = Fillable<Container> | Fillable<EphemeralContainer>;

export function defaultPodTemplate(template: Fillable<PodTemplateSpec>): void {
  template.spec ??= {};
  defaultPodSpec(template.spec);
}

/** Defaults of pods and of templates alike. */
export function defaultPodSpec(spec: Fillable<PodSpec>): void {
  spec.restartPolicy ||= 'Always';
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  spec.securityContext ??= {};
  // `serviceAccount` is the former name of the field; both are always given.
  const account = spec.serviceAccountName || spec.serviceAccount;
  if (account) {
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
  }
  for (const container of allContainers(spec)) defaultContainer(container);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
}

/** Defaults that only pods themselves get. */
export function defaultPod(pod: Fillable<Pod>): void {
  const spec = (pod.spec ??= {});
  defaultPodSpec(spec);
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    const { resources } = container;
    if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests };
    if (spec.hostNetwork) for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  }
}

function allContainers(spec: Fillable<PodSpec>): AnyContainer[] {
  return [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
}

function defaultContainer(container: AnyContainer): void {
  container.imagePullPolicy ||= tagOf(container.image ?? '') === 'latest' ? 'Always' : 'IfNotPresent';
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.resources ??= {};
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const { valueFrom } of container.env ?? [])
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ||= 'v1';
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe])
    defaultProbe(probe);
  defaultHttp(container.lifecycle?.postStart?.httpGet);
  defaultHttp(container.lifecycle?.preStop?.httpGet);
}

function defaultProbe(probe: Fillable<Probe> | undefined): void {
  if (!probe) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  defaultHttp(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= '';
}

function defaultHttp(action: Fillable<HTTPGetAction> | undefined): void {
  if (!action) return;
  action.path ||= '/';
  action.scheme ||= 'HTTP';
}

function defaultVolume(volume: Fillable<Volume>): void {
  // A volume that says nothing but its name is scratch space.
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  if (volume.secret) volume.secret.defaultMode ??= defaultMode;
  if (volume.configMap) volume.configMap.defaultMode ??= defaultMode;
  if (volume.hostPath) volume.hostPath.type ??= '';
  if (volume.downwardAPI) volume.downwardAPI.defaultMode ??= defaultMode;
  for (const item of volume.downwardAPI?.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ||= 'v1';
  if (volume.ephemeral?.volumeClaimTemplate?.spec)
    volume.ephemeral.volumeClaimTemplate.spec.volumeMode ??= 'Filesystem';
  if (!volume.projected) return;
  volume.projected.defaultMode ??= defaultMode;
  for (const { serviceAccountToken, downwardAPI } of volume.projected.sources ?? []) {
    if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600;
    for (const item of downwardAPI?.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ||= 'v1';
  }
}
