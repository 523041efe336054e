/** Finds the Docker Engine, and removes a cluster's containers from it. */
import Docker from 'dockerode';

const USUAL_SOCKET = '/var/run/docker.sock';
const ANSWER_WITHIN_MS = 30_000;

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

/** Removes every container and network with this label (`name=value`). Returns the number of containers. */
export async function removeLabelled(socket: string, label: string): Promise<number> {
  const docker = engineAt(socket);
  const filters = { label: [label] };
  const containers = await docker.listContainers({ all: true, filters });
  await Promise.all(
    containers.map(({ Id }) => gone(docker.getContainer(Id).remove({ force: true, v: true }))),
  );
  const networks = await docker.listNetworks({ filters });
  await Promise.all(networks.map(({ Id }) => gone(docker.getNetwork(Id).remove())));
  return containers.length;
}

/** Awaits a removal. Succeeds if the thing is gone already. */
async function gone(removal: Promise<unknown>): Promise<void> {
  await removal.catch((error: { statusCode?: number }) => {
    if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
  });
}

function engineAt(socketPath: string): Docker {
  return new Docker({ socketPath, timeout: ANSWER_WITHIN_MS });
}
