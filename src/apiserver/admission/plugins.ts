/**
 * The admission plugins of this server, in the order they run (the order of kube-apiserver:
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/).
 */
import type { Random, Transport } from '../../api/index.js';
import type { AdmissionPlugin } from './admission.js';
import { LimitRanger } from './limit-ranger.js';
import { Lookup } from './lookup.js';
import { NamespaceLifecycle } from './namespace-lifecycle.js';
import { NodeRestriction } from './node-restriction.js';
import { PolicyAdmission, type PolicyAdmissionDeps } from './policies/validating-admission.js';
import { PodSecurity } from './pod-security/pod-security.js';
import { DefaultTolerationSeconds } from './pods/default-tolerations.js';
import { Priority } from './pods/priority.js';
import { RuntimeClass } from './pods/runtime-class.js';
import { ServiceAccount } from './pods/service-account.js';
import { ResourceQuota } from './resource-quota.js';
import { CertificateRights } from './rights/certificates.js';
import { RbacEscalation } from './rights/escalation.js';
import { ParamRights } from './rights/params.js';
import { TaintNodesByCondition } from './taint-nodes.js';
import { DefaultStorageClass, StorageObjectInUseProtection } from './storage.js';

export interface PluginOptions extends PolicyAdmissionDeps {
  readonly random: Random;
  /** As the server itself. */
  readonly transport: () => Transport;
  /** Names of plugins that are left out. */
  readonly disabled: readonly string[];
  /** Pods get a volume with their service account's token. */
  readonly mountTokens: boolean;
}

export function admissionPlugins(options: PluginOptions): AdmissionPlugin[] {
  const { cache, random, disabled, mountTokens } = options;
  const lookup = new Lookup(cache);
  const all: AdmissionPlugin[] = [
    new NamespaceLifecycle(cache),
    new LimitRanger(lookup),
    new ServiceAccount({ lookup, random, mountTokens }),
    new NodeRestriction(lookup),
    new TaintNodesByCondition(),
    new PodSecurity(lookup),
    new Priority(lookup),
    new DefaultTolerationSeconds(),
    new DefaultStorageClass(() => lookup.list({ group: 'storage.k8s.io', plural: 'storageclasses' })),
    new StorageObjectInUseProtection(),
    new RuntimeClass(lookup),
    new CertificateRights(options.authorizer),
    new RbacEscalation({ lookup, authorizer: options.authorizer }),
    new ParamRights({ lookup, authorizer: options.authorizer, resourceOf: options.resourceOf }),
    new PolicyAdmission(options),
    new ResourceQuota({ lookup, transport: options.transport }),
  ];
  return all.filter(({ name }) => !disabled.includes(name));
}
