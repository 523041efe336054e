/**
 * Who runs `up` in this checkout, and what it has started, on disk from the first step on: a second `up` finds the
 * first, `down` finds whom to tell, and the next `up` after a crash ends what was left.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { removeLabelled } from '../parts/docker.ts';
import { endProcessBackends } from '../processes/process-backends.ts';
import { endProcess, identify, isAlive, type ProcessRef } from '../processes/process-ref.ts';
import type { Place } from './place.ts';

/** What this cluster has in a Docker Engine. */
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

/** The record in this place; nothing where there is none or it cannot be read. */
export function readClaim({ claimFile }: Place): Claim | undefined {
  try {
    return JSON.parse(readFileSync(claimFile, 'utf8')) as Claim;
  } catch {
    return undefined;
  }
}

/** The `up` of a record where it still runs, else what it left behind, the last started first. */
export function judgeClaim(
  claim: Claim | undefined,
  alive: (identity: ProcessRef) => boolean = isAlive,
): { running?: ProcessRef; leftovers: [string, ProcessRef][] } {
  if (!claim) return { leftovers: [] };
  if (alive(claim.up)) return { running: claim.up, leftovers: [] };
  const leftovers = Object.entries(claim.started).filter(([, identity]) => alive(identity));
  return { leftovers: leftovers.toReversed() };
}

/** Ends what a crashed `up` left behind, its backends included; the containers go while their engine still answers. */
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

/** Our own record, written at once and again at every start of a process. */
export class OwnClaim {
  readonly #place: Place;
  readonly #claim: Claim = { up: identify(process.pid), started: {} };

  private constructor(place: Place) {
    this.#place = place;
  }

  /** Takes the place, ending what an earlier `up` left there; throws where one is running. */
  static async take(place: Place, say: (text: string) => void): Promise<OwnClaim> {
    mkdirSync(place.state, { recursive: true, mode: 0o700 });
    for (;;) {
      const claim = readClaim(place);
      const { running, leftovers } = judgeClaim(claim);
      if (running) throw new AlreadyRunning(running.pid);
      await endLeftovers(place, claim, leftovers, say);
      // That took its time, and another may have come by now.
      if (judgeClaim(readClaim(place)).running) continue;
      forgetClaim(place);
      const own = new OwnClaim(place);
      if (own.#write()) return own;
    }
  }

  /** Writes our record; false where another wrote his at the same moment. */
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

/** Takes both files away. */
export function forgetClaim({ localFile, claimFile }: Place): void {
  for (const file of [localFile, claimFile]) rmSync(file, { force: true });
}

export class AlreadyRunning extends Error {
  constructor(pid: number) {
    super(`One is running here already (pid ${pid}). \`npm run down\` stops it.`);
  }
}

/** Replaces the file in one step, readable by its owner alone: nobody ever reads half of it. */
export function writeWhole(file: string, content: object): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
