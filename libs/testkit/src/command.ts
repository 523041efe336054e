import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';

/** PATH with the folders of the system's own programs, which a user's PATH may lack. */
export function pathWithSbin(): string {
  return `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
}

/** Runs a command to its end, which takes at most 30 s. Rejects if it fails. */
export function run(file: string, ...args: string[]): Promise<{ stdout: string }> {
  return promisify(execFile)(file, args, { env: { ...process.env, PATH: pathWithSbin() }, timeout: 30_000 });
}

/** The third byte of a /24 within `range`, which is the first two bytes, that no device has where `runThere` runs commands. */
export async function unusedNetwork(range: string, runThere = run): Promise<number> {
  const { stdout: taken } = await runThere('ip', '-oneline', 'address');
  for (let tries = 0; tries < 100; tries += 1) {
    const number = randomInt(1, 255);
    if (!taken.includes(` ${range}.${number}.`)) return number;
  }
  throw new Error(`no free network in ${range}.0.0/16`);
}
