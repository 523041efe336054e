import { type Bus, SUBJECTS } from '@spawner/bus';
import type { BackendStore } from '../store/backend-store.ts';
import { toBackend } from '../store/record.ts';

/** Publishes copies of changed records. They are hints: a watcher that misses one reads the record at its next turn. */
export class Announcements {
  readonly #store: BackendStore;
  readonly #bus: Pick<Bus, 'publish'>;

  constructor(store: BackendStore, bus: Pick<Bus, 'publish'>) {
    this.#store = store;
    this.#bus = bus;
  }

  /** Publishes the record as it is in the store now. */
  async announce(id: string): Promise<void> {
    const record = await this.#store.get(id);
    if (record) this.#bus.publish(SUBJECTS.backendState, id, { backend: toBackend(record) });
  }
}
