import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { RouteTable } from '@spawner/store';
import type { KeyPair } from '../cluster/certificates.ts';
import { SnapshotFiles, type StateOwner } from './snapshot.ts';

/**
 * Keeps a proxy's name, routes and certificate on disk, so that it can start and serve while the cluster is away. They are
 * written when they have changed, for a small part of the time, and once more at the end. Without a directory nothing is
 * written. A failing disk costs only the snapshot.
 */
export interface SnapshotOptions extends StateOwner {
  /** Empty for none. */
  readonly stateDir: string;
}

export interface SnapshotParts {
  readonly routes: RouteTable;
  readonly clock: Clock;
  readonly log: Log;
}

/** The pause after a write is at least this many times as long as the write. */
const REST_FACTOR = 20;

export class Snapshots {
  readonly #parts: SnapshotParts;
  readonly #files: SnapshotFiles | undefined;
  readonly #following: { close(): void } | undefined;
  #changes = 0;
  #written = 0;
  #writing: Promise<unknown> = Promise.resolve();

  /** Throws if the directory cannot be created. */
  constructor(options: SnapshotOptions, parts: SnapshotParts) {
    this.#parts = parts;
    if (options.stateDir === '') return;
    this.#files = new SnapshotFiles(options.stateDir, options);
    this.#following = parts.routes.onChange(() => {
      this.#changes += 1;
    });
  }

  /** The configured id, or the id of the last run. If there is neither, the fresh one, which is written to disk. */
  nameOf({ id: fresh, named }: { id: string; named: boolean }): string {
    if (named) return fresh;
    const name = this.#read('name', (files) => files.readName());
    if (name === undefined) this.#write('name', (files) => files.writeName(fresh));
    return name ?? fresh;
  }

  /** Puts the routes on disk into the empty table. Returns whether there were any. */
  restore(): boolean {
    const { routes, clock, log } = this.#parts;
    const saved = this.#read('routes', (files) => files.readRoutes());
    if (!saved) return false;
    routes.restore(saved.position, saved.rows);
    this.#written = this.#changes;
    const age = saved.time ? clock.wall().getTime() - saved.time.getTime() : undefined;
    log.info({ routes: saved.rows.length, age_ms: age }, 'routes restored from disk');
    return true;
  }

  certificate(): KeyPair | undefined {
    return this.#read('certificate', (files) => files.readCertificate());
  }

  keepCertificate(pair: KeyPair): void {
    this.#write('certificate', (files) => files.writeCertificate(pair, this.#parts.clock.wall()));
  }

  /** Writes the routes if they have changed, then pauses in proportion. Rejects if the disk fails. */
  async turn(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const began = clock.now();
    await this.#writeRoutes();
    const tookMs = clock.now() - began;
    if (tookMs > 0) await clock.sleep(REST_FACTOR * tookMs, signal);
  }

  async close(): Promise<void> {
    this.#following?.close();
    await this.#writing;
    await this.#writeRoutes();
  }

  async #writeRoutes(): Promise<void> {
    const { routes, clock } = this.#parts;
    const { position } = routes;
    const changes = this.#changes;
    if (!this.#files || !position || changes === this.#written) return;
    await this.#files.writeRoutes(routes, position, clock.wall());
    this.#written = changes;
  }

  #read<T>(what: string, read: (files: SnapshotFiles) => T | undefined): T | undefined {
    if (!this.#files) return undefined;
    try {
      return read(this.#files);
    } catch (error) {
      this.#parts.log.warn({ error }, `the snapshot of the ${what} cannot be used and will be replaced`);
      return undefined;
    }
  }

  /** Writes run one after the other. */
  #write(what: string, write: (files: SnapshotFiles) => Promise<void>): void {
    const files = this.#files;
    if (!files) return;
    this.#writing = this.#writing
      .then(() => write(files))
      .catch((error: unknown) =>
        this.#parts.log.warn({ error }, `the snapshot of the ${what} could not be written`),
      );
  }
}
