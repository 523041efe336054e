import type { Program } from './runtime.ts';

/**
 * What a program is told of itself by its environment, whatever its spec says: its id, and with a key its
 * name, its namespace where it has one, and the fence that outgrows every holder before it.
 */
export function identity({ id, placement, key }: Omit<Program, 'spec'>): Record<string, string> {
  if (!key) return { SPAWNER_BACKEND_ID: id };
  return {
    SPAWNER_BACKEND_ID: id,
    SPAWNER_KEY: key.name,
    ...(key.namespace === '' ? {} : { SPAWNER_KEY_NAMESPACE: key.namespace }),
    SPAWNER_FENCE: String(placement),
  };
}
