/** A Docker Engine that carries out some requests late, whether or not the client that sent them still lives. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { tempDir } from '@spawner/testkit';

export interface HeldEngine extends AsyncDisposable {
  readonly socketPath: string;
  /** Called with each request, as "POST /path", before the engine gets it. The request waits for the promise. */
  before: (line: string) => Promise<void> | undefined;
  /** Called when the engine has carried out a request, before its answer is passed on, which waits for the promise. */
  after: (line: string) => Promise<void> | undefined;
  /** Whether the engine's answer to this request is lost, as if it had died. */
  loses: (line: string) => boolean;
}

/** Puts a proxy in front of the engine on `behind`. Every request that it has read reaches the engine. */
export async function holdEngine(behind: string): Promise<HeldEngine> {
  const temp = await tempDir('held-engine');
  const socketPath = join(temp.path, 'docker.sock');
  const pass = async (incoming: IncomingMessage, response: ServerResponse) => {
    const { method = '', url: path = '', headers } = incoming;
    const body = await incoming.toArray();
    await held.before(`${method} ${path}`);
    const outgoing = request({ socketPath: behind, method, path, headers, agent: false });
    outgoing.once('error', () => response.destroy());
    outgoing.once('response', async (answer) => {
      answer.once('error', () => response.destroy());
      await held.after(`${method} ${path}`)?.catch(() => response.destroy());
      if (response.destroyed) return answer.destroy();
      if (held.loses(`${method} ${path}`)) return response.destroy();
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
      response.once('close', () => answer.destroy());
    });
    outgoing.end(Buffer.concat(body));
  };
  const server = createServer((incoming, response) => {
    pass(incoming, response).catch(() => response.destroy());
  }).listen(socketPath);
  await once(server, 'listening');
  const held: HeldEngine = {
    socketPath,
    before: () => undefined,
    after: () => undefined,
    loses: () => false,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await temp.stop();
    },
  };
  return held;
}
