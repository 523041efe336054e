import { SUBJECTS } from '@spawner/bus';
import type { Parts } from '../parts.ts';
import { toBackend } from '../store/record.ts';

/** Publishes a copy of a record as it is in the store now. It is a hint: a watcher that misses it reads the record at its next turn. */
export type Announce = (id: string) => Promise<void>;

export function announcer({ store, bus }: Pick<Parts, 'store' | 'bus'>): Announce {
  return async (id) => {
    const record = await store.get(id);
    if (record) bus.publish(SUBJECTS.backendState, id, { backend: toBackend(record) });
  };
}
