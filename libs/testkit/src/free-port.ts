/**
 * A port for a program that cannot be told to take any (0). It lies below the range from which the kernel takes ports
 * for outgoing connections: a client that retries against a stopped server there can be connected to itself.
 *
 * Between the look at a port and the program's own bind, another process of tests may look at the same one. So each
 * process notes the ports that it takes in a folder of the machine, and each worker of a test runner has its own range.
 */
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portIsFree, QUIET_PORTS } from '@spawner/service';

const { from: FROM, to: TO } = QUIET_PORTS;
const WORKERS = 16;
const EACH = Math.floor((TO - FROM) / WORKERS);
const own = FROM + (Number(process.env.JEST_WORKER_ID ?? 0) % WORKERS) * EACH;

/** A file for each port that is taken, with the id of the process that took it; it counts as long as that lives. */
const TAKEN = join(tmpdir(), 'spawner-test-ports');

let next = randomInt(EACH);

/** A port on the loopback address that is free now, for TCP and UDP; no other process of tests gets it. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < EACH; tries += 1) {
    const port = own + next;
    next = (next + 1) % EACH;
    if (take(port) && (await portIsFree(port))) return port;
  }
  throw new Error(`found no free port between ${own} and ${own + EACH}`);
}

/** Whether it is this process's now, or was already. */
function take(port: number): boolean {
  mkdirSync(TAKEN, { recursive: true });
  const file = join(TAKEN, String(port));
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = holderIn(file);
    if (holder === process.pid) return true;
    if (holder === undefined || isAlive(holder)) return false;
    rmSync(file, { force: true });
  }
  return false;
}

/** Returns undefined while the file is being written or removed. */
function holderIn(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
