import { decodeRow, keysOf, type Redis, type Route } from '@spawner/store';

/** The backend's route as the store has it now. Returns undefined if there is none. */
export async function routeOf(store: Redis, cluster: string, id: string): Promise<Route | undefined> {
  const bytes = await store.send(['HGET', keysOf(cluster).routes, id]);
  const row = Buffer.isBuffer(bytes) ? decodeRow(id, bytes) : undefined;
  return row?.kind === 'backend' ? row : undefined;
}
