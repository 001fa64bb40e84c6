/** Takes one finalizer off a draft; those of others stay. */
export function withoutFinalizer(finalizer: string) {
  return ({ metadata }: { metadata: { finalizers?: string[] } }): void => {
    metadata.finalizers = (metadata.finalizers ?? []).filter((name) => name !== finalizer);
  };
}
