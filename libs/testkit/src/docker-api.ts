/** As much of the Docker Engine API as fixtures need: the client library belongs to the agent alone. */
import { request } from './http-request.ts';

/**
 * Asks the engine on this socket, with JSON for a body if there is one. Resolves with the parsed answer, or undefined if it is empty.
 * Rejects on an error status or after 30 s.
 */
export async function askDocker(
  socketPath: string,
  method: string,
  path: string,
  json?: object,
): Promise<unknown> {
  const sent = json && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) };
  const { status, headers, body } = await request({ socketPath, host: 'docker', method, path, ...sent });
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
  await Promise.all(networks.map(({ Id }) => removeNetwork(socketPath, Id)));
}

/** A container that ends while the engine is away leaves an endpoint behind, without whose removal the network stays. */
export async function removeNetwork(socketPath: string, id: string): Promise<void> {
  const { Containers } = (await askDocker(socketPath, 'GET', `/networks/${id}`)) as {
    Containers?: Record<string, { Name: string }>;
  };
  for (const { Name: Container } of Object.values(Containers ?? {}))
    await askDocker(socketPath, 'POST', `/networks/${id}/disconnect`, { Container, Force: true }).catch(
      () => {},
    );
  await askDocker(socketPath, 'DELETE', `/networks/${id}`);
}
