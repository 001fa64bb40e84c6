import { expect } from 'chai';
import { Inject, RegistrationError, type Token, token } from 'gyre';
import { construct } from '#src/core/registration/container.js';

const Url = token<string>('url');
abstract class Store {
  abstract readonly url: string;
}
class WebStore extends Store {
  constructor(@Inject(Url) readonly url: string) {
    super();
  }
}
class First {
  constructor(@Inject(Store) readonly store: Store) {}
}
class Second {
  @Inject(Store) store!: Store;
  constructor(@Inject(Url) readonly url: string) {}
}
const providers = (...entries: [Token, unknown][]) => new Map<Token, unknown>(entries);

describe('container', () => {
  it('gives values by token, to parameters and properties', async () => {
    const store = { url: 'x' };
    const [first, second] = await construct(providers([Store, store], [Url, 'u']), [First, Second]);
    expect((first as First).store).to.equal(store);
    expect((second as Second).store).to.equal(store);
    expect((second as Second).url).to.equal('u');
  });

  it('constructs a class once, with its own dependencies', async () => {
    const [first, second] = await construct(providers([Store, { useClass: WebStore }], [Url, 'u']), [
      First,
      Second,
    ]);
    expect((first as First).store).to.be.instanceOf(WebStore);
    expect((first as First).store.url).to.equal('u');
    expect((second as Second).store).to.equal((first as First).store);
  });

  it('calls a factory once, which may wait and ask for other tokens', async () => {
    let calls = 0;
    const useFactory = async (get: <T>(t: Token<T>) => Promise<T>) => {
      calls++;
      return { url: `${await get(Url)}/made` };
    };
    const [first, second] = await construct(providers([Store, { useFactory }], [Url, 'u']), [First, Second]);
    expect((first as First).store.url).to.equal('u/made');
    expect((second as Second).store).to.equal((first as First).store);
    expect(calls).to.equal(1);
  });

  it('gives an undefined, null or function value as it is', async () => {
    const fn = (): void => {};
    for (const value of [null, fn, 0, { useClass: 'not a class' }]) {
      const [first] = await construct(providers([Store, value]), [First]);
      expect((first as First).store).to.equal(value);
    }
  });

  it('names class, place and token when nobody provided it, before anything is made', async () => {
    let made = 0;
    const attempt = construct(
      providers([Store, { useClass: WebStore }], [token('other'), { useFactory: () => made++ }]),
      [First],
    );
    const error = await attempt.then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).to.be.instanceOf(RegistrationError);
    expect((error as Error).message).to.equal(
      'WebStore needs Symbol(url) for constructor parameter 0, which nobody provided: add .provide(Symbol(url), …) to the Manager',
    );
    expect(made).to.equal(0);
  });
});
