import type { Program } from './runtime.ts';

/**
 * The environment variables that identify a program. They override its spec's. With a key they include its name, its
 * namespace if it has one, and the fence, which is greater than that of every earlier holder.
 */
export function identityVariables({ id, placement, key }: Omit<Program, 'spec'>): Record<string, string> {
  if (!key) return { SPAWNER_BACKEND_ID: id };
  return {
    SPAWNER_BACKEND_ID: id,
    SPAWNER_KEY: key.name,
    ...(key.namespace === '' ? {} : { SPAWNER_KEY_NAMESPACE: key.namespace }),
    SPAWNER_FENCE: String(placement),
  };
}
