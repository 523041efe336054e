/** As much of the Docker Engine API as fixtures need, on `node:http`: the client library belongs to the agent alone. */
import { request } from 'node:http';

/** Asks the engine on this socket; resolves with the parsed answer (undefined if empty), rejects on an error status or after 30 s. */
export function askDocker(socketPath: string, method: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, agent: false, timeout: 30_000 });
    outgoing.once('error', reject);
    outgoing.once('timeout', () => outgoing.destroy(new Error(`Docker did not answer ${method} ${path}`)));
    outgoing.once('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.once('error', reject);
      answer.once('end', () => {
        if ((answer.statusCode ?? 500) >= 400) {
          reject(new Error(`Docker answered ${method} ${path} with ${answer.statusCode}: ${text}`));
        } else {
          const isJson = answer.headers['content-type']?.includes('json') && text !== '';
          resolve(isJson ? JSON.parse(text) : text || undefined);
        }
      });
    });
    outgoing.end();
  });
}

/** Whether a Docker Engine answers on this socket. */
export async function dockerAnswers(socketPath: string): Promise<boolean> {
  try {
    await askDocker(socketPath, 'GET', '/_ping');
    return true;
  } catch {
    return false;
  }
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
