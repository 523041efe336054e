import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  ProxyStateCertificate,
  ProxyStateHeader,
  type ProxyStateRoute,
  ProxyStateRoutes,
} from '@spawner/proto/internal/proxy_state';
import { type LogPosition, messageOf, type RouteTable, rowFrom, rowId, type TableRow } from '@spawner/store';
import type { KeyPair } from '../cluster/certificates.ts';
import { StateFile, StateFileRefused } from './state-file.ts';

/** The cluster that the state belongs to. Another cluster's state is refused. */
export interface StateOwner {
  readonly cluster: string;
  readonly clusterDomain: string;
}

/** Rows per message: about a millisecond's work. */
const ROWS_AT_ONCE = 500;

/** The files of a proxy's state directory and their contents. Every reader throws StateFileRefused for a file that it refuses. */
export class SnapshotFiles {
  readonly #dir: string;
  readonly #owner: StateOwner;

  /** Creates the directory if it is missing, for its owner alone. Throws if it cannot. */
  constructor(dir: string, owner: StateOwner) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    chmodSync(dir, 0o700);
    this.#dir = dir;
    this.#owner = owner;
  }

  readRoutes() {
    const saved = this.#read('routes');
    if (!saved) return undefined;
    const { time, logEpoch: epoch, logN: n } = saved.header;
    const rows = saved.bodies.flatMap((body) => decoded(() => rowsIn(body)));
    return { time, position: { epoch, n }, rows };
  }

  /** A row that changes meanwhile is written in its old or new form; both are newer than the position. */
  async writeRoutes(table: Pick<RouteTable, 'rows'>, position: LogPosition, time: Date): Promise<void> {
    await this.#file('routes').write(this.#messages(position, time, slicesOf(table.rows())));
  }

  readCertificate(): KeyPair | undefined {
    const body = this.#read('certificate')?.bodies[0];
    if (!body) return undefined;
    const { chainPem: cert, keyPem: key } = decoded(() => ProxyStateCertificate.decode(body));
    return { cert, key };
  }

  async writeCertificate({ cert, key }: KeyPair, time: Date): Promise<void> {
    const body = ProxyStateCertificate.encode({ chainPem: cert, keyPem: key }).finish();
    await this.#file('certificate').write(this.#messages({ epoch: 0, n: 0 }, time, [body]));
  }

  /** The name that the proxy had when it ran last. */
  readName(): string | undefined {
    return this.#file('name').read()?.[0]?.toString();
  }

  async writeName(name: string): Promise<void> {
    await this.#file('name').write([Buffer.from(name)]);
  }

  #file(name: string): StateFile {
    return new StateFile(join(this.#dir, name));
  }

  *#messages({ epoch, n }: LogPosition, time: Date, bodies: Iterable<Uint8Array>): Iterable<Uint8Array> {
    const { cluster, clusterDomain } = this.#owner;
    yield ProxyStateHeader.encode({ cluster, clusterDomain, time, logEpoch: epoch, logN: n }).finish();
    yield* bodies;
  }

  #read(name: string): { header: ProxyStateHeader; bodies: Buffer[] } | undefined {
    const [first, ...bodies] = this.#file(name).read() ?? [];
    if (!first) return undefined;
    const header = decoded(() => ProxyStateHeader.decode(first));
    const { cluster, clusterDomain } = this.#owner;
    if (header.cluster !== cluster || header.clusterDomain !== clusterDomain)
      throw new StateFileRefused(
        `it belongs to the cluster ${header.cluster} (${header.clusterDomain}), not to this one`,
      );
    return { header, bodies };
  }
}

function rowsIn(bytes: Uint8Array): TableRow[] {
  return ProxyStateRoutes.decode(bytes)
    .routes.map(({ id, row }) => row && rowFrom(id, row))
    .filter((row) => row !== undefined);
}

function* slicesOf(rows: Iterable<TableRow>): Iterable<Uint8Array> {
  let routes: ProxyStateRoute[] = [];
  for (const row of rows) {
    routes.push({ id: rowId(row), row: messageOf(row) });
    if (routes.length < ROWS_AT_ONCE) continue;
    yield ProxyStateRoutes.encode({ routes }).finish();
    routes = [];
  }
  if (routes.length > 0) yield ProxyStateRoutes.encode({ routes }).finish();
}

function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new StateFileRefused('its messages cannot be read', { cause: error });
  }
}
