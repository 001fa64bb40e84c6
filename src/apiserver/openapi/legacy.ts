/**
 * `/openapi/v2`, which lists nothing. Clients of 1.27 and newer read v3 and turn here only for a kind that
 * v3 does not have: an answer without that kind tells them that there is none, where a 404 would have
 * them give up with a complaint about the document itself.
 */
import { kubernetesVersion } from '../version.js';

/** Clients ask for it with an `@`, which is not allowed in a media type. */
const protobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

const swagger = '2.0';
const title = 'Kubernetes';

/** A string field of the protobuf form. Every part is ASCII and short: one byte is one character. */
function field(number: number, content: string): string {
  return String.fromCharCode((number << 3) | 2, content.length) + content;
}

/** The empty document in the form the client accepts; kubectl accepts protobuf alone. */
export function openApiV2Document(accept: string | undefined): {
  readonly body: string;
  readonly contentType: string;
} {
  const version = kubernetesVersion.gitVersion;
  if (accept?.includes('proto-openapi.spec.v2')) {
    const info = field(1, title) + field(2, version);
    return { body: field(1, swagger) + field(2, info) + field(8, ''), contentType: protobufType };
  }
  const body = JSON.stringify({ swagger, info: { title, version }, paths: {} });
  return { body, contentType: 'application/json' };
}
