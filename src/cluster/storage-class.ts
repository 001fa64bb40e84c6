/** The StorageClass a cluster begins with: claims that name none are provisioned from the data directory. */
import { isAlreadyExists } from '../api/index.js';
import { StorageClass } from '../api/kinds/storage/v1.js';
import { localPathProvisioner } from '../builtin-controllers/index.js';
import type { Client } from '../client/index.js';

/** Leaves one that is there as it is: it may have been changed on purpose. */
export async function ensureStorageClass(client: Client): Promise<void> {
  try {
    await client.create(StorageClass, {
      metadata: {
        name: 'standard',
        annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
      },
      provisioner: localPathProvisioner,
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'Immediate',
    });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
