import { expect } from 'chai';
import { decodeBody } from '#src/apiserver/rest/body.js';
import type { ServerRequest } from '#src/apiserver/rest/request.js';

const yaml = (text: string): ServerRequest =>
  ({
    method: 'POST',
    path: '/',
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/yaml' },
    body: { bytes: new TextEncoder().encode(text) },
  }) as ServerRequest;

describe('the body of a request', () => {
  it('in YAML with keys that are no text is no warning of the process', async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error): number => warnings.push(warning);
    process.on('warning', hear);
    const decoded = await decodeBody(yaml('data: {{ .Values.x }}\n? [a, b]\n: c\n'), ['application/yaml']);
    // A warning is told in the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', hear);
    expect(decoded?.value).to.be.an('object');
    expect(warnings).to.deep.equal([]);
  });
});
