/**
 * Who may decide about a CertificateSigningRequest, and who may sign it: both ask for the verb on the signer besides the
 * right to write the subresource
 * (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificateapproval).
 */
import { forbidden } from '../../../api/index.js';
import type { CertificateSigningRequest } from '../../../api/kinds/certificates/v1.js';
import type { Authorizer } from '../../auth/authorizer.js';
import type { Given } from '../../builtin/given.js';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.js';

const group = 'certificates.k8s.io';

export class CertificateRights implements AdmissionPlugin {
  readonly name = 'CertificateApproval';

  constructor(private readonly authorizer: Authorizer) {}

  validate(attributes: AdmissionAttributes): void {
    const { resource, operation, subresource } = attributes;
    if (resource.facts.group !== group || operation !== 'UPDATE') return;
    const [object, old] = [attributes.object, attributes.oldObject].map(
      (each) => (each ?? {}) as Given<CertificateSigningRequest>,
    ) as [Given<CertificateSigningRequest>, Given<CertificateSigningRequest>];
    const signs =
      subresource === 'status' && (object.status?.certificate ?? '') !== (old.status?.certificate ?? '');
    const verb = subresource === 'approval' ? 'approve' : signs ? 'sign' : undefined;
    if (verb === undefined) return;
    const { signerName = '' } = old.spec ?? {};
    const [domain = ''] = signerName.split('/');
    // The signer itself, or all of its domain.
    if (!this.#may(verb, attributes, signerName) && !this.#may(verb, attributes, `${domain}/*`))
      throw forbidden(
        resource.facts,
        attributes.name,
        `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`,
      );
  }

  #may(verb: string, { user }: AdmissionAttributes, name: string): boolean {
    const asked = { user, verb, group, resource: 'signers', subresource: '', namespace: '', name };
    return this.authorizer.authorize(asked).allowed;
  }
}
