/** How webhook configurations and admission policies are printed. */
import type {
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '../../api/kinds/admissionregistration/v1.js';
import type { Given } from '../builtin/given.js';
import { ageColumn, nameColumn, type Printer, printer } from './column.js';
import { selectorText, unset } from './format.js';

const webhookPrinter = printer<MutatingWebhookConfiguration | ValidatingWebhookConfiguration>([
  nameColumn,
  { name: 'Webhooks', type: 'integer', cell: (o) => o.webhooks?.length ?? 0 },
  ageColumn,
]);

function paramText({ spec }: Given<ValidatingAdmissionPolicyBinding>): string {
  const param = spec?.paramRef;
  if (!param) return unset;
  if (param.name) return param.namespace ? `${param.namespace}/${param.name}` : param.name;
  return param.selector ? selectorText(param.selector) : unset;
}

const group = 'admissionregistration.k8s.io';

export const admissionPrinters: Readonly<Record<string, Printer>> = {
  [`${group}/MutatingWebhookConfiguration`]: webhookPrinter,
  [`${group}/ValidatingWebhookConfiguration`]: webhookPrinter,
  [`${group}/ValidatingAdmissionPolicy`]: printer<ValidatingAdmissionPolicy>([
    nameColumn,
    { name: 'Validations', type: 'integer', cell: (o) => o.spec?.validations?.length ?? 0 },
    {
      name: 'ParamKind',
      cell: ({ spec }) =>
        spec?.paramKind ? `${spec.paramKind.apiVersion ?? ''}/${spec.paramKind.kind ?? ''}` : unset,
    },
    ageColumn,
  ]),
  [`${group}/ValidatingAdmissionPolicyBinding`]: printer<ValidatingAdmissionPolicyBinding>([
    nameColumn,
    { name: 'PolicyName', cell: (o) => o.spec?.policyName ?? '' },
    { name: 'ParamRef', cell: paramText },
    ageColumn,
  ]),
};
