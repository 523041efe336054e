/**
 * The record of the `up` that runs in this checkout and of the processes it started. It is on disk from the first step. A second
 * `up` finds the first by it, `down` finds the process to stop, and the next `up` after a crash ends what was left.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { replaceFileSync } from '@spawner/service/files';
import { removeLabelled } from '../parts/docker.ts';
import { endProcessBackends } from '../processes/process-backends.ts';
import { endProcess, identify, isAlive, type ProcessRef } from '../processes/process-ref.ts';
import type { Place } from './place.ts';

/** The containers and networks of this cluster in a Docker Engine. */
export interface OwnContainers {
  socket: string;
  /** `name=value` */
  label: string;
}

export interface Claim {
  up: ProcessRef;
  containers?: OwnContainers;
  /** By name, in the order of their first start. */
  started: Record<string, ProcessRef>;
}

const LEFTOVER_ENDS_WITHIN_MS = 10_000;

/** The record in this place. Returns undefined if there is none or it cannot be read. */
export function readClaim({ claimFile }: Place): Claim | undefined {
  try {
    return JSON.parse(readFileSync(claimFile, 'utf8')) as Claim;
  } catch {
    return undefined;
  }
}

/** The `up` of a record if it still runs, or the processes it left behind, last started first. */
export function judgeClaim(
  claim: Claim | undefined,
  alive: (identity: ProcessRef) => boolean = isAlive,
): { running?: ProcessRef; leftovers: [string, ProcessRef][] } {
  if (!claim) return { leftovers: [] };
  if (alive(claim.up)) return { running: claim.up, leftovers: [] };
  const leftovers = Object.entries(claim.started).filter(([, identity]) => alive(identity));
  return { leftovers: leftovers.toReversed() };
}

/** Ends the processes and backends that a crashed `up` left behind. Removes containers while their engine still answers. */
export async function endLeftovers(
  { agent }: Place,
  claim: Claim | undefined,
  leftovers: [string, ProcessRef][],
  say: (text: string) => void,
): Promise<void> {
  const { containers, started = {} } = claim ?? {};
  const removeContainers = async () => {
    if (containers)
      await removeLabelled(containers.socket, containers.label).catch((error: Error) => say(error.message));
  };
  for (const [name, identity] of leftovers) {
    say(`Ending ${name} (pid ${identity.pid}), which an earlier \`up\` left behind.`);
    if (name === 'dockerd') await removeContainers();
    await endProcess(identity, LEFTOVER_ENDS_WITHIN_MS);
  }
  endProcessBackends(agent);
  if (!started.dockerd) await removeContainers();
}

/** The record of this `up`, written at once and again at every start of a process. */
export class OwnClaim {
  readonly #place: Place;
  readonly #claim: Claim = { up: identify(process.pid), started: {} };

  private constructor(place: Place) {
    this.#place = place;
  }

  /** Takes the place and ends what an earlier `up` left there. Throws AlreadyRunning if one runs. */
  static async take(place: Place, say: (text: string) => void): Promise<OwnClaim> {
    mkdirSync(place.state, { recursive: true, mode: 0o700 });
    for (;;) {
      const claim = readClaim(place);
      const { running, leftovers } = judgeClaim(claim);
      if (running) throw new AlreadyRunning(running.pid);
      await endLeftovers(place, claim, leftovers, say);
      // That took time, so another `up` may have started by now.
      if (judgeClaim(readClaim(place)).running) continue;
      forgetClaim(place);
      const own = new OwnClaim(place);
      if (own.#write()) return own;
    }
  }

  /** Writes the record. Returns false if another `up` wrote one at the same moment. */
  #write(): boolean {
    try {
      writeFileSync(this.#place.claimFile, JSON.stringify(this.#claim), { mode: 0o600, flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return false;
    }
  }

  add(name: string, pid: number): void {
    this.#claim.started[name] = identify(pid);
    writeWhole(this.#place.claimFile, this.#claim);
  }

  noteContainers(containers: OwnContainers | undefined): void {
    this.#claim.containers = containers;
    writeWhole(this.#place.claimFile, this.#claim);
  }

  release(): void {
    forgetClaim(this.#place);
  }
}

/** Removes both files. */
export function forgetClaim({ localFile, claimFile }: Place): void {
  for (const file of [localFile, claimFile]) rmSync(file, { force: true });
}

export class AlreadyRunning extends Error {
  constructor(pid: number) {
    super(`Spawner is already running here (pid ${pid}). \`npm run down\` stops it.`);
  }
}

/** Replaces the file in one step, readable by its owner alone. */
export function writeWhole(file: string, content: object): void {
  replaceFileSync(file, `${JSON.stringify(content, null, 2)}\n`, { durable: false });
}
