/** A dockerd that keeps containers over its restarts leaves its data folder mounted, so that it could not be deleted. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Unmounts the folders and everything below them, innermost first. */
export function unmountAll(folders: readonly string[]): void {
  for (const path of mountsBelow(readMounts(), folders))
    execFileSync('umount', ['--lazy', path], { stdio: 'ignore', timeout: 10_000 });
}

/** The mount points of a mountinfo (proc(5)) at or below one of the folders, latest first. */
export function mountsBelow(mountinfo: string, folders: readonly string[]): string[] {
  return mountinfo
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, code) =>
        String.fromCharCode(Number.parseInt(code, 8)),
      ),
    )
    .filter((path) => folders.some((folder) => path === folder || path.startsWith(`${folder}/`)))
    .reverse();
}

function readMounts(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}
