/** As much of the Docker Engine API as fixtures need: the client library belongs to the agent alone. */
import { request } from './http-request.ts';

/** Asks the engine on this socket; resolves with the parsed answer (undefined if empty), rejects on an error status or after 30 s. */
export async function askDocker(socketPath: string, method: string, path: string): Promise<unknown> {
  const { status, headers, body } = await request({ socketPath, host: 'docker', method, path });
  if (status >= 400) throw new Error(`Docker answered ${method} ${path} with ${status}: ${body}`);
  return headers['content-type']?.includes('json') && body !== '' ? JSON.parse(body) : body || undefined;
}

/** Whether a Docker Engine answers on this socket. */
export async function dockerAnswers(socketPath: string): Promise<boolean> {
  return askDocker(socketPath, 'GET', '/_ping').then(
    () => true,
    () => false,
  );
}

/** Removes every container and every custom network: an engine that stops leaves its bridges in the kernel. */
export async function emptyDocker(socketPath: string): Promise<void> {
  const containers = (await askDocker(socketPath, 'GET', '/containers/json?all=true')) as { Id: string }[];
  await Promise.all(
    containers.map(({ Id }) => askDocker(socketPath, 'DELETE', `/containers/${Id}?force=true&v=true`)),
  );
  const custom = encodeURIComponent(JSON.stringify({ type: ['custom'] }));
  const networks = (await askDocker(socketPath, 'GET', `/networks?filters=${custom}`)) as { Id: string }[];
  await Promise.all(networks.map(({ Id }) => askDocker(socketPath, 'DELETE', `/networks/${Id}`)));
}
