/** Where `up` keeps what it writes: all of it below `.spawner/` of the checkout, one run at a time. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

export interface Place {
  root: string;
  /** Everything else lies in it; readable by its owner alone. */
  state: string;
  logs: string;
  /** Addresses, pids and ports, there while all is ready. */
  localFile: string;
  /** Who runs `up` here and which processes it has started, from its first step on. */
  claimFile: string;
  /** What the scheduler signs with; made once. */
  clusterSecretFile: string;
  redis: string;
  agent: string;
  certificates: string;
  programs: string;
  /** Our own dockerd's sockets: elsewhere where the checkout's path is too long for a unix socket. */
  dockerSockets: string;
  dockerData: string;
  /** Tells this checkout from others on the machine, in container labels for instance. */
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
