/** How role bindings and certificate requests are printed; roles themselves have the plain columns. */
import type { CertificateSigningRequest } from '../../api/kinds/certificates/v1.js';
import type { ClusterRoleBinding, RoleBinding } from '../../api/kinds/rbac/v1.js';
import type { Given } from '../builtin/given.js';
import { ageColumn, nameColumn, type Printer, printer } from './column.js';
import { none } from './format.js';
import { humanDuration } from './human-duration.js';

type Binding = RoleBinding | ClusterRoleBinding;

function subjects({ subjects: all = [] }: Given<Binding>, kind: string): string {
  return all
    .filter((s) => s.kind === kind)
    .map((s) => (kind === 'ServiceAccount' ? `${s.namespace ?? ''}/${s.name ?? ''}` : (s.name ?? '')))
    .join(', ');
}

const bindingPrinter = printer<Binding>([
  nameColumn,
  { name: 'Role', cell: (o) => `${o.roleRef?.kind ?? ''}/${o.roleRef?.name ?? ''}` },
  ageColumn,
  { name: 'Users', wide: true, cell: (o) => subjects(o, 'User') },
  { name: 'Groups', wide: true, cell: (o) => subjects(o, 'Group') },
  { name: 'ServiceAccounts', wide: true, cell: (o) => subjects(o, 'ServiceAccount') },
]);

function requestCondition({ status }: Given<CertificateSigningRequest>): string {
  const has = (type: string): boolean => status?.conditions?.some((c) => c.type === type) ?? false;
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return `${decision}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`;
}

export const accessPrinters: Readonly<Record<string, Printer>> = {
  'rbac.authorization.k8s.io/RoleBinding': bindingPrinter,
  'rbac.authorization.k8s.io/ClusterRoleBinding': bindingPrinter,
  'certificates.k8s.io/CertificateSigningRequest': printer<CertificateSigningRequest>([
    nameColumn,
    ageColumn,
    { name: 'SignerName', cell: (o) => o.spec?.signerName || none },
    { name: 'Requestor', cell: (o) => o.spec?.username ?? '' },
    {
      name: 'RequestedDuration',
      cell: ({ spec }) =>
        spec?.expirationSeconds === undefined ? none : humanDuration(spec.expirationSeconds * 1000),
    },
    { name: 'Condition', cell: requestCondition },
  ]),
};
