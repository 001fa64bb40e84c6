/** Yes or no in a query, as Kubernetes reads it. */

/** Undefined when it is not given; only `0` and `false`, in letters of any size, are a no: clients write `False` too. */
export function queryFlag(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  return value === null ? undefined : value !== '0' && value.toLowerCase() !== 'false';
}
