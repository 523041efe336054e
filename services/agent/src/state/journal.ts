import { specDigest } from '@spawner/proto';
import { BackendStatus, type InventoryEntry } from '@spawner/proto/internal/backend_status';
import { BackendKey, BackendSpec } from '@spawner/proto/v1/backend';
import type { Log } from '@spawner/service';
import { afterReboot, type Life, termsOf } from '../lifecycle/life.ts';
import type { Program } from '../runtime/runtime.ts';
import type { StateFiles } from './state-dir.ts';
import { Tombstones } from './tombstones.ts';

/**
 * One backend as the agent knows it, stored in one file that is written before anything is done or reported. So a killed
 * agent loses nothing. A power loss, which ends the programs too, may lose the last steps of a life. Environment values are
 * stored here and nowhere else. Credentials are dropped once the image is present.
 */
export interface JournalEntry extends Program {
  readonly createTime: Date;
  /** SHA-256 of the spec as it was received, in hexadecimal. */
  readonly digest: string;
  /** The scheduler's signature of the placement, unchanged. */
  readonly claim?: Buffer;
  readonly life: Life;
}

/** The first line of a file: an entry as JSON. */
interface Written extends Pick<JournalEntry, 'placement' | 'digest'>, WrittenLife {
  createTime: string;
  /** Hexadecimal. */
  claim?: string;
  key?: unknown;
  spec: unknown;
}

/** A later line: the life from then on. Its instants are of the boot that it names. */
interface WrittenLife extends ReturnType<typeof clocksOf> {
  boot: string;
  status: unknown;
}

const SUFFIX = '.json';
const DIRECTORY = 'backends';

/** Whether the journal in this directory has an entry, readable or not. */
export function holdsBackends(dir: StateFiles): boolean {
  return dir.below(DIRECTORY).names().some(isEntry);
}

export class Journal {
  /** Ids that have ended or were stopped here, and must never start again. */
  readonly ended: Tombstones;
  readonly #files: StateFiles;
  readonly #boot: string;
  readonly #log: Log;

  constructor(dir: StateFiles, boot: string, log: Log) {
    this.#files = dir.below(DIRECTORY);
    this.#boot = boot;
    this.#log = log;
    this.ended = new Tombstones(dir);
  }

  /** Every entry. The running clocks of an entry from another boot restart at `now`. */
  load(now: number): JournalEntry[] {
    const names = this.#files.names().filter(isEntry);
    return names.flatMap((name) => {
      try {
        const written = parse(this.#files.read(name) ?? '');
        const entry = readEntry(name.slice(0, -SUFFIX.length), written);
        return [written.boot === this.#boot ? entry : { ...entry, life: afterReboot(entry.life, now) }];
      } catch (error) {
        this.#log.error({ error, file: name }, 'a journal entry cannot be read; it is set aside');
        this.#files.setAside(name);
        return [];
      }
    });
  }

  /** Adds an entry. Resolves when it survives a power loss. Throws if the disk is full. */
  begin(entry: JournalEntry): Promise<void> {
    this.#replace(entry, false);
    return this.flush(entry.id);
  }

  /** Replaces an entry, durably. Throws if the disk is full; the old one then remains. */
  write(entry: JournalEntry): void {
    this.#replace(entry, true);
  }

  /** Adds a step to the life of an entry. Throws if the disk is full. The line before may be half written. */
  step(id: string, life: Life): void {
    this.#files.append(`${id}${SUFFIX}`, `\n${JSON.stringify(this.#written(life))}`);
  }

  /** Resolves when every step of the entry survives a power loss. */
  flush(id: string): Promise<void> {
    return this.#files.flush(`${id}${SUFFIX}`);
  }

  #replace(entry: JournalEntry, durable: boolean): void {
    const { life, placement, digest } = entry;
    const written: Written = {
      ...this.#written(life),
      placement,
      digest,
      createTime: entry.createTime.toISOString(),
      claim: entry.claim?.toString('hex'),
      key: entry.key && BackendKey.toJSON(entry.key),
      spec: BackendSpec.toJSON(entry.spec),
    };
    this.#files.write(`${entry.id}${SUFFIX}`, JSON.stringify(written), { durable });
  }

  #written(life: Life): WrittenLife {
    return { ...clocksOf(life), boot: this.#boot, status: BackendStatus.toJSON(life.status) };
  }

  /** Deletes an entry whose end is in the store. Only the id and the placement are kept. */
  forget(id: string, placement: number): void {
    this.ended.add(id, placement);
    this.#files.remove(`${id}${SUFFIX}`);
  }
}

/** The digest of a spec, in hexadecimal. */
export function digestOf(spec: BackendSpec): string {
  return specDigest(spec).toString('hex');
}

/** The entry as it is sent to the scheduler at a registration. Never includes the environment. */
export function inventoryOf(entry: JournalEntry): InventoryEntry {
  const { life, spec, digest, createTime, placement, key, claim } = entry;
  return {
    status: life.status,
    spec: {
      image: spec.image,
      labels: spec.labels,
      idleTimeoutMs: life.terms.idleTimeoutMs,
      lifetimeLimitMs: life.terms.lifetimeLimitMs,
      cpuMillis: spec.resources?.cpuMillis ?? 0,
      memoryBytes: spec.resources?.memoryBytes ?? 0,
      digest: Buffer.from(digest, 'hex'),
      onLeaseLoss: spec.onLeaseLoss,
      access: spec.access,
      pages: spec.pages,
    },
    createTime,
    placement,
    key,
    claim,
  };
}

function isEntry(name: string): boolean {
  return name.endsWith(SUFFIX);
}

/** The entry with the last step that can be read. A power loss may have damaged steps, but not the entry. */
function parse(text: string): Written {
  const [first = '', ...steps] = text.split('\n');
  const { boot, status, loadingAt, startedAt, readyAt, ending, ...entry } = JSON.parse(first) as Written;
  const life = steps.reduceRight<WrittenLife | undefined>(
    (found, line) => found ?? parseStep(line),
    undefined,
  );
  return { ...entry, ...(life ?? { boot, status, loadingAt, startedAt, readyAt, ending }) };
}

function parseStep(line: string): WrittenLife | undefined {
  try {
    return JSON.parse(line) as WrittenLife;
  } catch {
    return undefined;
  }
}

function readEntry(id: string, written: Written): JournalEntry {
  const spec = BackendSpec.fromJSON(written.spec);
  const status = BackendStatus.fromJSON(written.status);
  if (status.id !== id || status.revision === 0) throw new Error('not an entry of this backend');
  return {
    id,
    placement: written.placement,
    createTime: new Date(written.createTime),
    spec,
    digest: written.digest,
    ...(written.claim === undefined ? {} : { claim: Buffer.from(written.claim, 'hex') }),
    ...(written.key === undefined ? {} : { key: BackendKey.fromJSON(written.key) }),
    life: { status, terms: termsOf(spec), ...clocksOf(written) },
  };
}

/** The part of a life that is stored as it is. */
function clocksOf(life: Pick<Life, 'loadingAt' | 'startedAt' | 'readyAt' | 'ending'>) {
  const { loadingAt, startedAt, readyAt, ending } = life;
  return { loadingAt, startedAt, readyAt, ending };
}
