import { ask } from './line-client.ts';
import { type ServerProgram, startServer } from './server-program.ts';

export interface Nats extends ServerProgram {
  url: string;
}

/** A real NATS of the test's own on a loopback port, without JetStream. `args` are added to its command line. */
export async function startNats({ args = [] }: { args?: string[] } = {}): Promise<Nats> {
  const server = await startServer({
    command: 'nats-server',
    args: (port) => ['--addr', '127.0.0.1', '--port', String(port), ...args],
    answers: async (port) => {
      const greeting = await ask(port, '');
      if (!greeting.startsWith('INFO ')) throw new Error(`NATS greeted with ${JSON.stringify(greeting)}`);
    },
  });
  return { ...server, url: `nats://127.0.0.1:${server.port}` };
}
