/**
 * `/openapi/v2` in protobuf, which lists nothing. kubectl of 1.27 and newer reads v3 and turns here only for a kind that
 * v3 does not have: an answer without that kind tells it that there is none, where a 404 would have it give up with a
 * complaint about the document itself. In JSON the document is whole.
 */
import { kubernetesVersion } from '../version.js';

/** Clients ask for it with an `@`, which is not allowed in a media type. */
export const protobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** A string field of the protobuf form. Every part is ASCII and short: one byte is one character. */
function field(number: number, content: string): string {
  return String.fromCharCode((number << 3) | 2, content.length) + content;
}

export function acceptsProtobufV2(accept: string | undefined): boolean {
  return accept?.includes('proto-openapi.spec.v2') ?? false;
}

/** The empty document. */
export function emptyProtobufV2(): string {
  const info = field(1, 'Kubernetes') + field(2, kubernetesVersion.gitVersion);
  return field(1, '2.0') + field(2, info) + field(8, '');
}
