import Docker from 'dockerode';

/** The client of a container engine. */
export type Engine = Docker;
export type EngineContainer = Docker.Container;

/** A client of the engine on this socket. Without a time limit it waits for an answer however long that takes. */
export function engineAt(socketPath: string, timeout?: number): Engine {
  return new Docker({ socketPath, timeout });
}

/** Whether an engine answers on this socket within a second. */
export function dockerAnswers(socketPath: string): Promise<boolean> {
  const ping: Promise<unknown> = engineAt(socketPath, 1_000).ping();
  return ping.then(() => true).catch(() => false);
}
