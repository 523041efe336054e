/** Finds the Docker Engine, and removes a cluster's containers from it. */
import { request } from 'node:http';

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
  return call(socket, 'GET', '/_ping').then(
    () => true,
    () => false,
  );
}

/** Removes every container and network with this label (`name=value`). Returns the number of containers. */
export async function removeLabelled(socket: string, label: string): Promise<number> {
  const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
  const containers = (await call(socket, 'GET', `/containers/json?all=true&filters=${filters}`)) as {
    Id: string;
  }[];
  await Promise.all(containers.map(({ Id }) => gone(socket, `/containers/${Id}?force=true&v=true`)));
  const networks = (await call(socket, 'GET', `/networks?filters=${filters}`)) as { Id: string }[];
  await Promise.all(networks.map(({ Id }) => gone(socket, `/networks/${Id}`)));
  return containers.length;
}

/** Deletes something. Succeeds if it is gone already. */
async function gone(socket: string, path: string): Promise<void> {
  await call(socket, 'DELETE', path).catch((error: unknown) => {
    if (!(error instanceof DockerRefusal && [404, 409].includes(error.status))) throw error;
  });
}

class DockerRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function call(socketPath: string, method: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const outgoing = request({ socketPath, method, path, agent: false, signal }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.once('error', reject);
      answer.once('end', () => {
        const status = answer.statusCode ?? 0;
        if (status >= 400) reject(new DockerRefusal(status, `Docker answered ${method} ${path}: ${text}`));
        else resolve(text.startsWith('[') || text.startsWith('{') ? JSON.parse(text) : undefined);
      });
    });
    outgoing.once('error', reject);
    outgoing.end();
  });
}
