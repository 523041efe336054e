/** The files that `up` writes, all below `.spawner/` of the checkout, for one run at a time. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

export interface Place {
  root: string;
  /** The directory of everything else, readable by its owner alone. */
  state: string;
  logs: string;
  /** Addresses, pids and ports; exists while everything is ready. */
  localFile: string;
  /** The record of claim.ts. */
  claimFile: string;
  /** The scheduler's signing secret, created once. */
  clusterSecretFile: string;
  redis: string;
  agent: string;
  certificates: string;
  programs: string;
  /** The sockets of our dockerd. They are outside if the checkout's path is too long for a unix socket. */
  dockerSockets: string;
  dockerData: string;
  /** Distinguishes this checkout from others on the machine, for instance in container labels. */
  mark: string;
}

/** A unix socket's path has 107 bytes; containerd's below `dockerSockets` take up to 45 of them. */
const LONGEST_SOCKET_FOLDER = 60;

export function placeOf(root: string): Place {
  const state = join(root, '.spawner');
  const mark = createHash('sha256').update(root).digest('hex').slice(0, 8);
  const beside = join(state, 'docker');
  return {
    root,
    state,
    logs: join(state, 'logs'),
    localFile: join(state, 'local.json'),
    claimFile: join(state, 'up.json'),
    clusterSecretFile: join(state, 'cluster-secret'),
    redis: join(state, 'redis'),
    agent: join(state, 'agent'),
    certificates: join(state, 'certificates'),
    programs: join(state, 'programs'),
    dockerSockets: Buffer.byteLength(beside) <= LONGEST_SOCKET_FOLDER ? beside : `/run/spawner-${mark}`,
    dockerData: join(state, 'docker-data'),
    mark,
  };
}
