import { expect } from 'chai';
import { builtinResources } from '#src/api/facts/index.js';
import { tableOf } from '#src/apiserver/table/index.js';

describe('tables of every served kind', () => {
  for (const { group, version, kind } of builtinResources) {
    it(`${group || 'core'}/${version} ${kind}: prints an object that has nothing but a name`, () => {
      const object = { metadata: { name: 'a' } };
      const { columnDefinitions, rows } = tableOf({ group, kind, builtin: true }, [object, {}], {
        now: 0,
        includeObject: 'None',
      });
      expect(columnDefinitions.filter((c) => c.name === 'Name')).to.have.length(1);
      for (const { cells } of rows) expect(cells).to.have.length(columnDefinitions.length);
      const name = columnDefinitions.findIndex((c) => c.name === 'Name');
      expect(rows[0]?.cells[name]).to.equal('a');
      expect(JSON.parse(JSON.stringify(rows[0]?.cells))).to.deep.equal(rows[0]?.cells);
    });
  }
});
