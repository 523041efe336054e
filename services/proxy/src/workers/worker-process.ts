import cluster from 'node:cluster';
import type { Exit } from './worker-table.ts';

/** Messages to a worker, over Node's channel between parent and child. */
export type ToWorker =
  /** The keys that seal TLS sessions from now on: 48 bytes in base64. */
  | { readonly kind: 'ticket keys'; readonly keys: string }
  | { readonly kind: 'tell metrics'; readonly question: number }
  /** Stop accepting, finish, end. */
  | { readonly kind: 'drain' };

/** Messages to the supervisor. */
export type FromWorker =
  /** Sent every second: the worker is alive, and waits for these parts before it can serve. */
  | { readonly kind: 'state'; readonly waitingFor: readonly string[] }
  | { readonly kind: 'metrics'; readonly question: number; readonly text: string };

/** A worker as its supervisor sees it. */
export type WorkerProcess = ReturnType<typeof forkWorker>;

export interface WorkerOwner {
  heard(message: FromWorker): void;
  /** Called once, when the worker has ended. */
  exited(exit: Exit): void;
}

/**
 * Starts this program again with additional variables. Its listeners accept from sockets that this process keeps open, so a
 * client that waits while a worker ends is accepted by another one. With sockets of their own (SO_REUSEPORT) the kernel
 * would reset the clients that wait for the worker that ended.
 */
export function forkWorker(environment: Record<string, string>, owner: WorkerOwner) {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const worker = cluster.fork(environment);
  worker.on('message', (message: FromWorker) => owner.heard(message));
  // A worker that never ran has no exit event.
  let over = false;
  const exited = (code: number | null, signal: string | null) => {
    if (over) return;
    over = true;
    owner.exited({ code, signal });
  };
  worker.on('exit', exited);
  worker.on('error', () => {
    if (worker.process.pid === undefined) exited(1, null);
  });
  return {
    pid: worker.process.pid ?? 0,
    /** Ignored if the worker no longer listens. */
    send: (message: ToWorker): void => {
      if (worker.isConnected()) worker.send(message, () => {});
    },
    kill: (signal: NodeJS.Signals): void => {
      worker.process.kill(signal);
    },
  };
}
