/** Finds the Docker Engine, and removes a cluster's containers from it. */
import { setTimeout } from 'node:timers/promises';
import Docker from 'dockerode';

const USUAL_SOCKET = '/var/run/docker.sock';
const ANSWER_WITHIN_MS = 30_000;
const REMOVED_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 100;

/**
 * The socket of an engine that answers: the one of DOCKER_HOST, or the machine's. Returns undefined if there is none. Throws if
 * DOCKER_HOST names one that does not answer.
 */
export async function findDocker(
  env: Readonly<Record<string, string | undefined>>,
  answers: (socket: string) => Promise<boolean> = dockerAnswers,
): Promise<string | undefined> {
  const host = env.DOCKER_HOST;
  if (!host) return (await answers(USUAL_SOCKET)) ? USUAL_SOCKET : undefined;
  const socket = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  if (!socket) throw new Error(`DOCKER_HOST must be a unix socket (unix:///…) here, not ${host}`);
  if (await answers(socket)) return socket;
  throw new Error(`DOCKER_HOST is ${host}, but no Docker Engine answers there`);
}

export async function dockerAnswers(socket: string): Promise<boolean> {
  return engineAt(socket)
    .ping()
    .then(
      () => true,
      () => false,
    );
}

/**
 * Removes every container and network with this label (`name=value`). It looks again until none is left, because an engine
 * may still create what a program that has ended asked for. Returns the number of containers. Throws if some are left after
 * `withinMs`.
 */
export async function removeLabelled(
  socket: string,
  label: string,
  { withinMs = REMOVED_WITHIN_MS } = {},
): Promise<number> {
  const docker = engineAt(socket);
  const filters = { label: [label] };
  const removed = new Set<string>();
  const deadline = performance.now() + withinMs;
  for (;;) {
    const containers = await docker.listContainers({ all: true, filters });
    const networks = await docker.listNetworks({ filters });
    if (containers.length + networks.length === 0) return removed.size;
    if (performance.now() > deadline)
      throw new Error(
        `${containers.length} containers and ${networks.length} networks with the label ${label} could not be removed`,
      );
    for (const { Id } of containers) removed.add(Id);
    await Promise.all(
      containers.map(({ Id }) => gone(docker.getContainer(Id).remove({ force: true, v: true }))),
    );
    for (const { Id } of networks) await removeNetwork(docker, Id);
    await setTimeout(LOOK_EVERY_MS);
  }
}

/** An engine may keep the endpoint of a container that it has removed, and refuses to remove the network because of it. */
async function removeNetwork(docker: Docker, id: string): Promise<void> {
  const network = docker.getNetwork(id);
  const inspected = (await network.inspect().catch(() => ({}))) as {
    Containers?: Record<string, { Name?: string }>;
  };
  for (const [container, { Name }] of Object.entries(inspected.Containers ?? {}))
    await network.disconnect({ Container: Name ?? container, Force: true }).catch(() => {});
  await gone(network.remove());
}

/** Awaits a removal. Succeeds if the thing is gone already, or is in use or being removed, which the next look decides. */
async function gone(removal: Promise<unknown>): Promise<void> {
  await removal.catch((error: { statusCode?: number }) => {
    if (![403, 404, 409].includes(error.statusCode ?? 0)) throw error;
  });
}

function engineAt(socketPath: string): Docker {
  return new Docker({ socketPath, timeout: ANSWER_WITHIN_MS });
}
