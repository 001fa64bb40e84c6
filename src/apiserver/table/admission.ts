/** How webhook configurations and admission policies are printed. */
import type {
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '../../api/kinds/admissionregistration/v1.js';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../../api/kinds/admissionregistration/v1alpha1.js';
import type { Given } from '../builtin/given.js';
import { ageColumn, nameColumn, type Printer, printer } from './column.js';
import { selectorText, unset } from './format.js';

const webhookPrinter = printer<MutatingWebhookConfiguration | ValidatingWebhookConfiguration>([
  nameColumn,
  { name: 'Webhooks', type: 'integer', cell: (o) => o.webhooks?.length ?? 0 },
  ageColumn,
]);

type Policy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy;
type Binding = ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding;

function paramText({ spec }: Given<Binding>): string {
  const param = spec?.paramRef;
  if (!param) return unset;
  if (param.name) return param.namespace ? `${param.namespace}/${param.name}` : param.name;
  return param.selector ? selectorText(param.selector) : unset;
}

function paramKindText({ spec }: Given<Policy>): string {
  return spec?.paramKind ? `${spec.paramKind.apiVersion ?? ''}/${spec.paramKind.kind ?? ''}` : unset;
}

const bindingPrinter = printer<Binding>([
  nameColumn,
  { name: 'PolicyName', cell: (o) => o.spec?.policyName ?? '' },
  { name: 'ParamRef', cell: paramText },
  ageColumn,
]);

const group = 'admissionregistration.k8s.io';

export const admissionPrinters: Readonly<Record<string, Printer>> = {
  [`${group}/MutatingWebhookConfiguration`]: webhookPrinter,
  [`${group}/ValidatingWebhookConfiguration`]: webhookPrinter,
  [`${group}/MutatingAdmissionPolicy`]: printer<MutatingAdmissionPolicy>([
    nameColumn,
    { name: 'Mutations', type: 'integer', cell: (o) => o.spec?.mutations?.length ?? 0 },
    { name: 'ParamKind', cell: paramKindText },
    ageColumn,
  ]),
  [`${group}/MutatingAdmissionPolicyBinding`]: bindingPrinter,
  [`${group}/ValidatingAdmissionPolicy`]: printer<ValidatingAdmissionPolicy>([
    nameColumn,
    { name: 'Validations', type: 'integer', cell: (o) => o.spec?.validations?.length ?? 0 },
    { name: 'ParamKind', cell: paramKindText },
    ageColumn,
  ]),
  [`${group}/ValidatingAdmissionPolicyBinding`]: bindingPrinter,
};
