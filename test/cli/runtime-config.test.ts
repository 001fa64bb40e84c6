/** `--runtime-config`, of `gyre up` and of the kube-apiserver for test environments. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { readUpOptions } from '#src/cli/up.js';
import { root } from '../support/processes.js';

const hint = '  for example --runtime-config admissionregistration.k8s.io/v1alpha1=true, or api/alpha=true\n';
const programs = [
  ['gyre', [join(root, 'dist/cli/main.js'), 'up']],
  ['kube-apiserver', [join(root, 'envtest/kube-apiserver')]],
] as const;

describe('--runtime-config', () => {
  for (const [name, command] of programs) {
    for (const [given, why] of [
      ['apps/v9=true', 'unknown API group version apps/v9'],
      ['api/alpha=maybe', 'invalid value of api/alpha: "maybe"'],
    ] as const)
      it(`${name}: ${given} is one clear line, a hint and exit code 2`, () => {
        const args = [...command, `--runtime-config=${given}`];
        const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
        expect({ status, stdout, stderr }).to.deep.equal({
          status: 2,
          stdout: '',
          stderr: `${name}: --runtime-config: ${why}\n${hint}`,
        });
      });
  }

  it('gyre up takes several, and what comes later counts', () => {
    const options = readUpOptions([
      '--runtime-config',
      'api/alpha=true,apps/v1/daemonsets=false',
      '--runtime-config=api/alpha=false',
    ]);
    expect(options).to.have.deep.property('runtimeConfig', {
      'api/alpha': false,
      'apps/v1/daemonsets': false,
    });
    expect(readUpOptions([])).not.to.have.property('runtimeConfig');
  });
});
