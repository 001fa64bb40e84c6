/** `--runtime-config`, of `gyre up` and of the kube-apiserver for test environments. */
import { BadRuntimeConfig, readRuntimeConfig, type RuntimeConfig } from '../apiserver/index.js';
import { UsageError } from './arguments.js';

/** @throws UsageError */
export function runtimeConfigOption(text: string): RuntimeConfig {
  try {
    return readRuntimeConfig(text);
  } catch (error) {
    if (!(error instanceof BadRuntimeConfig)) throw error;
    throw new UsageError(
      `--runtime-config: ${error.message}`,
      'for example --runtime-config admissionregistration.k8s.io/v1alpha1=true, or api/alpha=true',
    );
  }
}
