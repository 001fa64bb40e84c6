import { isApiError } from 'gyre';

/** True when something was refused because its namespace is ending (NS-1): no failure, and not to be repeated. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    isApiError(error, 'Forbidden') && error.causes.some(({ reason }) => reason === 'NamespaceTerminating')
  );
}
