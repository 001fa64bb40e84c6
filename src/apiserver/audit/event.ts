/** One line of the audit log: an `audit.k8s.io/v1` Event. */
import type { JsonValue, Status } from '../../api/index.js';
import type { AuditLevel, AuditStage } from './policy.js';

export interface AuditUser {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface AuditObjectReference {
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly apiGroup?: string;
  readonly apiVersion?: string;
  readonly resourceVersion?: string;
  readonly subresource?: string;
}

export interface AuditEvent {
  readonly kind: 'Event';
  readonly apiVersion: 'audit.k8s.io/v1';
  readonly level: AuditLevel;
  /** The same in all stages of a request, and in the header `Audit-Id` of its answer. */
  readonly auditID: string;
  readonly stage: AuditStage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditUser;
  /** Whom the user acts as. */
  readonly impersonatedUser?: AuditUser;
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: AuditObjectReference;
  readonly responseStatus?: Partial<Status>;
  /** From the level Request on. */
  readonly requestObject?: JsonValue;
  /** At the level RequestResponse. */
  readonly responseObject?: JsonValue;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Takes events in the order they happen. Must not throw: a request does not fail over its log. */
export type AuditSink = (event: AuditEvent) => void;
