/**
 * The part of etcd's v3 API that the driver speaks, as a protobuf JSON descriptor: a `.proto` file would not be
 * copied into the build. Names and numbers are etcd's (api/etcdserverpb/rpc.proto, api/mvccpb/kv.proto).
 *
 * Fields that carry 64 random bits (cluster, member and server-made lease ids) are left out: every number here is a
 * revision, a count or a lease id of our own, and below 2^53.
 */
import type { fromJSON } from '@grpc/proto-loader';

export interface Header {
  readonly revision?: number;
}

export interface KeyValue {
  readonly key: Buffer;
  readonly create_revision?: number;
  readonly mod_revision?: number;
  readonly value?: Buffer;
}

export interface RangeRequest {
  readonly key: Buffer;
  readonly range_end?: Buffer;
  readonly limit?: number;
  readonly revision?: number;
  readonly keys_only?: boolean;
  readonly count_only?: boolean;
}

export interface RangeResponse {
  readonly header?: Header;
  readonly kvs?: readonly KeyValue[];
  readonly more?: boolean;
  /** How many keys are in the range, whatever the limit. */
  readonly count?: number;
}

export interface PutRequest {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly lease?: number;
  /** Keeps the lease the key has. */
  readonly ignore_lease?: boolean;
}

export interface DeleteRangeRequest {
  readonly key: Buffer;
  readonly prev_kv?: boolean;
}

export interface RequestOp {
  readonly request_range?: RangeRequest;
  readonly request_put?: PutRequest;
  readonly request_delete_range?: DeleteRangeRequest;
}

export interface ResponseOp {
  readonly response_range?: RangeResponse;
  readonly response_delete_range?: { readonly prev_kvs?: readonly KeyValue[] };
}

/** Of `result`: 0 equal, 1 greater. Of `target`: 0 version, 2 mod revision. */
export interface Compare {
  readonly result: 0 | 1;
  readonly target: 0 | 2;
  readonly key: Buffer;
  readonly version?: number;
  readonly mod_revision?: number;
}

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface TxnResponse {
  readonly header?: Header;
  readonly succeeded?: boolean;
  readonly responses?: readonly ResponseOp[];
}

export interface WatchRequest {
  readonly create_request: {
    readonly key: Buffer;
    readonly range_end: Buffer;
    readonly start_revision: number;
    readonly progress_notify: boolean;
    readonly prev_kv: boolean;
    readonly fragment: boolean;
  };
}

export interface WatchedEvent {
  /** 0 put, 1 delete. */
  readonly type?: number;
  readonly kv?: KeyValue;
  readonly prev_kv?: KeyValue;
}

export interface WatchResponse {
  readonly header?: Header;
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compact_revision?: number;
  readonly cancel_reason?: string;
  /** More of the same answer follows. */
  readonly fragment?: boolean;
  readonly events?: readonly WatchedEvent[];
}

/** `[request, response]` of each call the driver makes. */
export interface Calls {
  readonly Range: [RangeRequest, RangeResponse];
  readonly Put: [PutRequest, { readonly header?: Header }];
  readonly Txn: [TxnRequest, TxnResponse];
  readonly Compact: [{ readonly revision: number }, { readonly header?: Header }];
  readonly LeaseGrant: [{ readonly TTL: number; readonly ID: number }, { readonly ID?: number }];
  readonly Authenticate: [{ readonly name: string; readonly password: string }, { readonly token?: string }];
}

/** The service of each call. */
export const serviceOf: Readonly<Record<keyof Calls, string>> = {
  Range: 'etcdserverpb.KV',
  Put: 'etcdserverpb.KV',
  Txn: 'etcdserverpb.KV',
  Compact: 'etcdserverpb.KV',
  LeaseGrant: 'etcdserverpb.Lease',
  Authenticate: 'etcdserverpb.Auth',
};

type Field = readonly [type: string, id: number, rule?: 'repeated'];

function message(fields: Readonly<Record<string, Field>>, oneof?: readonly string[]) {
  return {
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, [type, id, rule]]) => [
        name,
        { type, id, ...(rule ? { rule } : {}) },
      ]),
    ),
    ...(oneof ? { oneofs: { one: { oneof: [...oneof] } } } : {}),
  };
}

function method(name: string, stream = false) {
  return {
    requestType: `${name}Request`,
    responseType: `${name}Response`,
    ...(stream ? { requestStream: true, responseStream: true } : {}),
    comment: '',
  };
}

const header: Field = ['ResponseHeader', 1];

/** For `fromJSON` of @grpc/proto-loader. */
export const descriptor: Parameters<typeof fromJSON>[0] = {
  nested: {
    etcdserverpb: {
      nested: {
        KV: {
          methods: {
            Range: method('Range'),
            Put: method('Put'),
            Txn: method('Txn'),
            Compact: method('Compaction'),
          },
        },
        Watch: { methods: { Watch: method('Watch', true) } },
        Lease: { methods: { LeaseGrant: method('LeaseGrant') } },
        Auth: { methods: { Authenticate: method('Authenticate') } },
        ResponseHeader: message({ revision: ['int64', 3] }),
        KeyValue: message({
          key: ['bytes', 1],
          create_revision: ['int64', 2],
          mod_revision: ['int64', 3],
          value: ['bytes', 5],
        }),
        Event: message({ type: ['int32', 1], kv: ['KeyValue', 2], prev_kv: ['KeyValue', 3] }),
        RangeRequest: message({
          key: ['bytes', 1],
          range_end: ['bytes', 2],
          limit: ['int64', 3],
          revision: ['int64', 4],
          keys_only: ['bool', 8],
          count_only: ['bool', 9],
        }),
        RangeResponse: message({
          header,
          kvs: ['KeyValue', 2, 'repeated'],
          more: ['bool', 3],
          count: ['int64', 4],
        }),
        PutRequest: message({
          key: ['bytes', 1],
          value: ['bytes', 2],
          lease: ['int64', 3],
          ignore_lease: ['bool', 6],
        }),
        PutResponse: message({ header }),
        DeleteRangeRequest: message({ key: ['bytes', 1], prev_kv: ['bool', 3] }),
        DeleteRangeResponse: message({ header, prev_kvs: ['KeyValue', 3, 'repeated'] }),
        RequestOp: message(
          {
            request_range: ['RangeRequest', 1],
            request_put: ['PutRequest', 2],
            request_delete_range: ['DeleteRangeRequest', 3],
          },
          ['request_range', 'request_put', 'request_delete_range'],
        ),
        ResponseOp: message(
          {
            response_range: ['RangeResponse', 1],
            response_put: ['PutResponse', 2],
            response_delete_range: ['DeleteRangeResponse', 3],
          },
          ['response_range', 'response_put', 'response_delete_range'],
        ),
        Compare: message(
          {
            result: ['int32', 1],
            target: ['int32', 2],
            key: ['bytes', 3],
            version: ['int64', 4],
            mod_revision: ['int64', 6],
          },
          ['version', 'mod_revision'],
        ),
        TxnRequest: message({
          compare: ['Compare', 1, 'repeated'],
          success: ['RequestOp', 2, 'repeated'],
          failure: ['RequestOp', 3, 'repeated'],
        }),
        TxnResponse: message({ header, succeeded: ['bool', 2], responses: ['ResponseOp', 3, 'repeated'] }),
        CompactionRequest: message({ revision: ['int64', 1] }),
        CompactionResponse: message({ header }),
        WatchRequest: message({ create_request: ['WatchCreateRequest', 1] }, ['create_request']),
        WatchCreateRequest: message({
          key: ['bytes', 1],
          range_end: ['bytes', 2],
          start_revision: ['int64', 3],
          progress_notify: ['bool', 4],
          prev_kv: ['bool', 6],
          fragment: ['bool', 8],
        }),
        WatchResponse: message({
          header,
          created: ['bool', 3],
          canceled: ['bool', 4],
          compact_revision: ['int64', 5],
          cancel_reason: ['string', 6],
          fragment: ['bool', 7],
          events: ['Event', 11, 'repeated'],
        }),
        LeaseGrantRequest: message({ TTL: ['int64', 1], ID: ['int64', 2] }),
        LeaseGrantResponse: message({ ID: ['int64', 2] }),
        AuthenticateRequest: message({ name: ['string', 1], password: ['string', 2] }),
        AuthenticateResponse: message({ token: ['string', 2] }),
      },
    },
  },
};
