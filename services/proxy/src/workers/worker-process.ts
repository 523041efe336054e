import cluster from 'node:cluster';
import type { FromWorker, ToWorker } from './messages.ts';
import type { Exit } from './worker-table.ts';

/** A worker as its supervisor sees it. */
export interface WorkerProcess {
  readonly pid: number;
  /** Nothing happens where it does not listen any more. */
  send(message: ToWorker): void;
  kill(signal: NodeJS.Signals): void;
}

export interface WorkerOwner {
  heard(message: FromWorker): void;
  /** Called once, when it has gone. */
  exited(exit: Exit): void;
}

/**
 * Starts this same program again with these variables over our own. Its listeners accept from sockets that this process keeps open:
 * who waits in one's queue while a worker ends is taken up by another. With sockets of their own (SO_REUSEPORT) the
 * kernel would reset those that wait for the one that ended.
 */
export function forkWorker(environment: Record<string, string>, owner: WorkerOwner): WorkerProcess {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const worker = cluster.fork(environment);
  worker.on('message', (message: FromWorker) => owner.heard(message));
  // Where it never ran there is no exit.
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
    send: (message) => {
      if (worker.isConnected()) worker.send(message, () => {});
    },
    kill: (signal) => {
      worker.process.kill(signal);
    },
  };
}
