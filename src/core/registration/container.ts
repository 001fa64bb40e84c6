/**
 * Dependencies by explicit token. What was provided is handed to inversify, which is loaded only when a
 * Manager starts; classes tell what they need through `@Inject(token)`.
 *
 * Everything is a singleton of its Manager. A token that nobody provided is an error before anything is
 * made; nothing is constructed that was not provided or registered.
 */
import 'reflect-metadata';
import { loadInversify } from './lazy-modules.js';
import { type AnyClass, factsOfClass, factsOfLineage } from './metadata.js';
import { nameOfClass, RegistrationError } from './registration-error.js';
import { nameOfToken, type Token } from './token.js';

export type Constructor<T = object> = new (...args: never[]) => T;

/** Gives what another token stands for. */
export type Resolve = <T>(token: Token<T>) => Promise<T>;

/** A value, a class to construct with its own `@Inject`ed dependencies, or a function that makes one. */
export type Provider<T> =
  | T
  | { readonly useClass: Constructor<T> }
  | { readonly useFactory: (get: Resolve) => T | Promise<T> };

/** What one class needs, by constructor position and by property. */
export interface Dependencies {
  readonly parameters: readonly Token[];
  readonly properties: readonly { readonly property: string | symbol; readonly token: Token }[];
}

/** Types that emitted metadata names when it knows nothing, or nothing that could be provided. */
const meaningless: ReadonlySet<unknown> = new Set([
  undefined,
  Object,
  Function,
  String,
  Number,
  Boolean,
  Array,
  Symbol,
  Promise,
]);

/**
 * @throws RegistrationError for a constructor parameter whose token cannot be known
 */
export function dependenciesOf(cls: AnyClass): Dependencies {
  const constructed = ownerOfConstructor(cls);
  const tokens = factsOfClass(constructed).parameters;
  const emitted = (Reflect.getOwnMetadata('design:paramtypes', constructed) ?? []) as readonly unknown[];
  const count = Math.max(constructed.length, ...[...tokens.keys()].map((i) => i + 1), 0);
  const parameters = Array.from({ length: count }, (_, i) => {
    const known = tokens.get(i) ?? emitted[i];
    if (!meaningless.has(known)) return known as Token;
    throw new RegistrationError(
      nameOfClass(cls),
      `has constructor parameter ${i} whose type cannot be known`,
      'write @Inject(Token) before it',
    );
  });
  const properties = new Map<string | symbol, unknown>();
  for (const facts of factsOfLineage(cls).reverse()) {
    for (const [property, token] of facts.properties) properties.set(property, token);
  }
  return {
    parameters,
    properties: [...properties].map(([property, token]) => ({ property, token: token as Token })),
  };
}

/** The class whose constructor runs with the arguments: one that writes none inherits it. */
function ownerOfConstructor(cls: AnyClass): AnyClass {
  for (let at: AnyClass = cls; ; at = Object.getPrototypeOf(at) as AnyClass) {
    const parent: unknown = Object.getPrototypeOf(at);
    if (
      at.length > 0 ||
      factsOfClass(at).parameters.size > 0 ||
      parent === Function.prototype ||
      parent === null
    )
      return at;
  }
}

type ProviderRecord = { readonly useClass?: unknown; readonly useFactory?: unknown };

function recipeOf(provider: unknown): ProviderRecord {
  if (
    typeof provider !== 'object' ||
    provider === null ||
    Object.getPrototypeOf(provider) !== Object.prototype
  )
    return {};
  const keys = Object.keys(provider);
  return keys.length === 1 && typeof Object.values(provider)[0] === 'function'
    ? (provider as ProviderRecord)
    : {};
}

/**
 * Constructs controllers with what was provided.
 * @param providers by token; the last one given for a token wins
 * @returns the instances, in the order of `classes`
 * @throws RegistrationError naming the class and the token that nobody provided
 */
export async function construct(
  providers: ReadonlyMap<Token, unknown>,
  classes: readonly Constructor[],
): Promise<object[]> {
  const made: { readonly token: Token; readonly cls: Constructor; readonly needs: Dependencies }[] = [];
  for (const cls of classes) made.push({ token: cls, cls, needs: dependenciesOf(cls) });
  for (const [token, provider] of providers) {
    const { useClass } = recipeOf(provider);
    if (typeof useClass !== 'function') continue;
    made.push({ token, cls: useClass as Constructor, needs: dependenciesOf(useClass as Constructor) });
  }
  for (const { cls, needs } of made) assertProvided(cls, needs, providers);

  const { Container } = await loadInversify();
  const container = new Container({ defaultScope: 'Singleton' });
  for (const [token, provider] of providers) {
    const { useClass, useFactory } = recipeOf(provider);
    if (useClass) continue;
    if (typeof useFactory === 'function') {
      const get: Resolve = (wanted) => container.getAsync(wanted as never);
      container
        .bind(token as never)
        .toDynamicValue(() => useFactory(get) as never)
        .inSingletonScope();
    } else {
      container.bind(token as never).toConstantValue(provider as never);
    }
  }
  for (const { token, cls, needs } of made) {
    const { parameters, properties } = needs;
    const build = (...given: unknown[]): object => {
      const instance = new cls(...(given.slice(0, parameters.length) as never[]));
      properties.forEach(({ property }, i) => {
        Object.defineProperty(instance, property, {
          value: given[parameters.length + i],
          writable: true,
          enumerable: true,
          configurable: true,
        });
      });
      return instance;
    };
    container
      .bind(token as never)
      .toResolvedValue(build as never, [...parameters, ...properties.map((p) => p.token)] as never)
      .inSingletonScope();
  }
  const instances: object[] = [];
  for (const cls of classes) instances.push(await container.getAsync<object>(cls as never));
  return instances;
}

function assertProvided(cls: AnyClass, needs: Dependencies, providers: ReadonlyMap<Token, unknown>): void {
  const places = [
    ...needs.parameters.map((token, i) => [`constructor parameter ${i}`, token] as const),
    ...needs.properties.map(({ property, token }) => [`property ${String(property)}`, token] as const),
  ];
  for (const [place, token] of places) {
    if (providers.has(token)) continue;
    const name = nameOfToken(token);
    throw new RegistrationError(
      nameOfClass(cls),
      `needs ${name} for ${place}, which nobody provided`,
      `add .provide(${name}, …) to the Manager`,
    );
  }
}
