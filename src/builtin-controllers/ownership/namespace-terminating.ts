/** The one refusal of a create that nobody has to be told about. */
import { isApiError } from 'gyre';

/** The namespace is ending, and whoever creates in it will end with it (RS-4, D-3). */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    isApiError(error, 'Forbidden') && error.causes.some(({ reason }) => reason === 'NamespaceTerminating')
  );
}
