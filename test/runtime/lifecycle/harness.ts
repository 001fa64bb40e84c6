/**
 * What the lifecycle table needs of a world with one node: a runtime under a kubelet, an API, and time that
 * passes. The rows (cases.ts) and how they are run (suite.ts) know nothing else, so that every runtime is held
 * to the same table.
 */
import type { Client } from 'gyre';

export interface LifecycleHarness {
  /** Rows may be for one runtime only. */
  readonly runtime: 'simulated' | 'process';
  /** As a cluster admin. */
  readonly client: Client;
  /** Pods are bound to it. */
  readonly nodeName: string;
  /** An image that the runtime does not have. */
  readonly missingImage: string;
  /** How many rows run at once: for one that really waits. Default 1. */
  readonly parallel?: number;
  /** Milliseconds on the clock that the kubelet goes by. */
  now(): number;
  /** Lets time pass, really or not. */
  pass(ms: number): Promise<void>;
  /** Ends everything, also what still runs. */
  stop(): Promise<void>;
}
