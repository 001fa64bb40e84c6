/** The depth of a YAML text, before anybody parses it. */
import { expect } from 'chai';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { yamlDepth } from '#src/apiserver/rest/yaml-depth.js';
import { VirtualServer } from '../requests/virtual-server.js';

const limit = 10_000;

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('the depth of a YAML text', () => {
  for (const [what, text, depth] of [
    ['brackets, and the line they stand in', '[[[1]]]', 4],
    ['brackets of both kinds over lines', 'a: [\n{b: [\n1]}\n]', 4],
    ['indentation', 'a:\n  b:\n    c: 1', 3],
    ['dashes of one line', '- - - - 1', 5],
    ['what comes back', 'a:\n  b: 1\nc:\n  d: 1', 2],
    ['nothing', '', 0],
  ] as const)
    it(`counts ${what}`, () => expect(yamlDepth(text, limit)).to.equal(depth));

  it('is never less than that of what the text says (property)', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 6 }),
        fc.constantFrom('PLAIN', 'QUOTE_DOUBLE'),
        (value, defaultStringType) => {
          const text = stringify(value, { defaultStringType: defaultStringType as 'PLAIN', lineWidth: 0 });
          expect(yamlDepth(text, limit)).to.be.at.least(depthOf(value));
        },
      ),
    );
  });

  it('stops looking once it is too deep', () => {
    expect(yamlDepth('['.repeat(1_000_000), 100)).to.be.greaterThan(100);
  });

  it('beyond 500 is a bad request, and the server lives', async () => {
    await using server = await VirtualServer.start();
    const apply = { 'content-type': 'application/apply-patch+yaml' };
    const at = '/api/v1/namespaces/default/configmaps/a?fieldManager=me';
    const deepest = Array.from({ length: 1_500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n');
    for (const text of ['['.repeat(20_000), '- '.repeat(20_000), deepest, `a: ${'{a: '.repeat(5_000)}`]) {
      const status = await server.refused(400, 'PATCH', at, Buffer.from(text), apply);
      expect(status.message).to.include('error decoding YAML: nested deeper than 500 levels');
    }
    const fine = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {a: b}\n';
    expect((await server.ask('PATCH', at, Buffer.from(fine), apply)).status).to.equal(201);
  });
});
