import { expect } from 'chai';
import { RuntimeError } from 'gyre/runtime';
import { fullImageName, parseImageReference } from '#src/runtime/process/image-reference.js';
import { commandLine, Images } from '#src/runtime/process/images.js';

const context = { namespace: 'default', pod: 'web', hasMounts: true };

describe('images of the process runtime', () => {
  const full: readonly (readonly [string, string])[] = [
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.27', 'docker.io/library/nginx:1.27'],
    ['team/web', 'docker.io/team/web:latest'],
    ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
    ['localhost:5000/a/b:c', 'localhost:5000/a/b:c'],
    [`x@sha256:${'a'.repeat(64)}`, `docker.io/library/x@sha256:${'a'.repeat(64)}`],
  ];
  for (const [text, name] of full) {
    it(`reads ${text} as ${name}`, () => {
      const reference = parseImageReference(text);
      expect(reference && fullImageName(reference)).to.equal(name);
    });
  }
  for (const text of ['', 'Nginx', 'a b', 'a::b', '/a', 'a/', 'a@b', 'a:', '-a', 'a:b:c']) {
    it(`refuses ${JSON.stringify(text)}`, () => expect(parseImageReference(text)).to.equal(undefined));
  }

  it('command replaces the entrypoint and drops cmd; args replace cmd', () => {
    const image = { entrypoint: ['/entry'], cmd: ['default'] };
    expect(commandLine(image)).to.deep.equal(['/entry', 'default']);
    expect(commandLine(image, [], ['arg'])).to.deep.equal(['/entry', 'arg']);
    expect(commandLine(image, ['command'])).to.deep.equal(['command']);
    expect(commandLine(image, ['command'], ['arg'])).to.deep.equal(['command', 'arg']);
  });

  it('knows the stand-ins whatever registry and tag they come from', () => {
    const images = new Images({});
    expect(images.resolve('quay.io/mirror/busybox:9', false, context)).to.include({
      reference: 'quay.io/mirror/busybox:9',
    });
    expect(commandLine(images.resolve('busybox', false, context))).to.deep.equal(['sh']);
    expect(commandLine(images.resolve('registry.k8s.io/pause:3.10', false, context))[0]).to.equal('sh');
    for (const name of [
      'nginx',
      'httpd',
      'hashicorp/http-echo',
      'registry.k8s.io/e2e-test-images/agnhost:2.40',
    ]) {
      expect(commandLine(images.resolve(name, false, context)).slice(0, 2)).to.deep.equal([
        '/.gyre/node',
        '/.gyre/http-server.mjs',
      ]);
    }
  });

  it('prefers what is mapped to what is built in, and the longer name to the shorter', () => {
    const images = new Images({ nginx: { cmd: ['short'] }, 'example.com/nginx': { cmd: ['long'] } });
    expect(commandLine(images.resolve('nginx:1', false, context))).to.deep.equal(['short']);
    expect(commandLine(images.resolve('example.com/nginx:1', false, context))).to.deep.equal(['long']);
  });

  it('takes no property of Object for an image', () => {
    expect(() => new Images({}).resolve('constructor', false, context)).to.throw(
      RuntimeError,
      '--image constructor=COMMAND',
    );
  });
});
