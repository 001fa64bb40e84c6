import { expect } from 'chai';
import {
  configMapKey,
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  labelValue,
  pathSegmentName,
  portName,
  qualifiedName,
} from '#src/api/index.js';

const rules = {
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  qualifiedName,
  labelValue,
  configMapKey,
  pathSegmentName,
  portName,
};

describe('names', () => {
  const accepted: [keyof typeof rules, string[]][] = [
    ['dns1123Label', ['a', 'my-name', '123-abc', 'a'.repeat(63)]],
    ['dns1123Subdomain', ['example.com', 'a.b-c.d1', 'a'.repeat(253)]],
    ['dns1035Label', ['abc-123']],
    ['qualifiedName', ['MyName', 'my.name', 'example.com/My_Name', 'app.kubernetes.io/name']],
    ['labelValue', ['', 'MyValue', 'my_value', '12345']],
    ['configMapKey', ['key.name', 'KEY_NAME', '.hidden']],
    ['pathSegmentName', ['system:discovery', 'a b']],
    ['portName', ['http', '8080-tcp']],
  ];
  for (const [rule, texts] of accepted) {
    for (const text of texts) {
      it(`${rule} accepts ${text.slice(0, 40)}`, () => expect(rules[rule](text)).to.deep.equal([]));
    }
  }

  const qualifiedPart =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
  const subdomain =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
  const refused: [keyof typeof rules, string, string[]][] = [
    ['dns1123Label', 'a'.repeat(64), ['must be no more than 63 bytes']],
    ['dns1123Label', 'a.b', ['must not contain dots']],
    [
      'dns1123Label',
      'A',
      [
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    ['dns1123Subdomain', 'a_b', [subdomain]],
    ['dns1123Subdomain', 'a\n', [subdomain]],
    [
      'dns1035Label',
      '1a',
      [
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    ['qualifiedName', '', ['name part must be non-empty', `name part ${qualifiedPart}`]],
    ['qualifiedName', '/a', ['prefix part must be non-empty']],
    ['qualifiedName', 'A_/a', [`prefix part ${subdomain}`]],
    [
      'qualifiedName',
      'a/b/c',
      [
        `a qualified name ${qualifiedPart} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      ],
    ],
    [
      'labelValue',
      '-a',
      [
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      ],
    ],
    ['configMapKey', '..', ["must not be '..'"]],
    ['configMapKey', '..a', ["must not start with '..'"]],
    ['pathSegmentName', '..', ["may not be '..'"]],
    ['pathSegmentName', 'a/b%', ["may not contain '/'", "may not contain '%'"]],
    ['portName', 'a--b', ['must not contain consecutive hyphens']],
    ['portName', '80', ['must contain at least one letter (a-z)']],
    ['portName', '-a', ['must not begin or end with a hyphen']],
  ];
  for (const [rule, text, messages] of refused) {
    it(`${rule} refuses ${JSON.stringify(text.slice(0, 20))} in Kubernetes' words`, () => {
      expect(rules[rule](text)).to.deep.equal(messages);
    });
  }
});
