/**
 * Every pod runs as a service account (OC-13): `default` where it names none, one that exists, with its image pull secrets
 * and, unless the pod or the account opts out, a volume with its token, the cluster's authority and its namespace.
 */
import { type Random, randomSuffix } from '../../../api/index.js';
import type { ServiceAccount as Account, Volume } from '../../../api/kinds/core/v1.js';
import type { Fillable, Given } from '../../builtin/given.js';
import type { AdmissionAttributes } from '../admission.js';
import type { Lookup } from '../lookup.js';
import {
  containersOf,
  isMirrorPod,
  type NewPod,
  podForbidden,
  PodPlugin,
  type PodSpec,
} from './pod-plugin.js';

const serviceAccounts = { group: '', plural: 'serviceaccounts' };
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';
/** An hour and a little, so that who renews hourly is never late. */
const tokenSeconds = 3607;

export interface ServiceAccountOptions {
  readonly lookup: Lookup;
  readonly random: Random;
  /** False where pods have no API server that they could reach. */
  readonly mountTokens: boolean;
}

export class ServiceAccount extends PodPlugin {
  readonly name = 'ServiceAccount';

  constructor(private readonly options: ServiceAccountOptions) {
    super();
  }

  protected fillIn(pod: NewPod & { spec: PodSpec }, attributes: AdmissionAttributes): boolean {
    const { spec } = pod;
    if (isMirrorPod(pod)) return refuseMirror(spec, attributes);
    const name = spec.serviceAccountName || 'default';
    spec.serviceAccountName = name;
    spec.serviceAccount = name;
    const { namespace } = attributes;
    const account = this.options.lookup.get<Given<Account>>(serviceAccounts, namespace, name);
    if (!account)
      throw podForbidden(
        attributes,
        `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`,
      );
    if ((spec.imagePullSecrets ?? []).length === 0 && account.imagePullSecrets?.length)
      spec.imagePullSecrets = structuredClone(account.imagePullSecrets) as { name?: string }[];
    const mounts = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
    if (mounts && this.options.mountTokens) this.#mountToken(spec);
    return true;
  }

  #mountToken(spec: PodSpec): void {
    const present = (spec.volumes ?? []).find(({ name = '' }) => name.startsWith(volumePrefix));
    const name = present?.name ?? volumePrefix + randomSuffix(this.options.random, 5);
    let mounted = false;
    for (const container of containersOf(spec)) {
      const mounts = (container.volumeMounts ??= []);
      // Whoever mounts something else there wants that.
      if (mounts.some((mount) => mount.mountPath === mountPath)) continue;
      mounts.push({ name, readOnly: true, mountPath });
      mounted = true;
    }
    if (mounted && !present) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
  }
}

function refuseMirror(spec: PodSpec, attributes: AdmissionAttributes): false {
  if (spec.serviceAccountName)
    throw podForbidden(attributes, 'a mirror pod may not reference service accounts');
  return false;
}

function tokenVolume(name: string): Fillable<Volume> {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
}
