/** The answers of 500 and above that are right, each with its reason. */
export const allowed: readonly { readonly message: RegExp; readonly reason: string }[] = [
  {
    message: /^Too large resource version: \d+, current: \d+$/,
    reason: 'Kubernetes answers a version that has not come yet with 504 Timeout, and so do we',
  },
  {
    message: /^(?:error trying to reach service: |no endpoints available for service |no service port )/,
    reason: 'what is asked for through the proxy of a node, a pod or a service is not there to answer',
  },
  {
    message: /^no node is connected to this API server: /,
    reason: 'a container is asked for where there are no nodes, and 503 is what says so',
  },
];
