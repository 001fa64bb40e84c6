/**
 * The pause contract: an object with the annotation set to `true` is left alone, whatever happens to it, until the
 * annotation goes or says something else. Then it is reconciled at once, on the state of that moment.
 */

/** The annotation that pauses an object unless a controller names another one. */
export const pausedAnnotation = 'gyre.dev/paused';

interface Annotated {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
}

/** True for an object that asks to be left alone. */
export function isPaused(annotation: string | false | undefined, object: unknown): boolean {
  if (annotation === false) return false;
  const { annotations = {} } = (object as Annotated | undefined)?.metadata ?? {};
  const name = annotation ?? pausedAnnotation;
  return Object.hasOwn(annotations, name) && annotations[name] === 'true';
}

export function pauseChanged(annotation: string | false | undefined, before: unknown, now: unknown): boolean {
  return before !== undefined && isPaused(annotation, before) !== isPaused(annotation, now);
}
