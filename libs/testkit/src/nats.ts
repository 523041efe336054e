import { ask } from './raw-http.ts';
import { type ServerProgram, startServer } from './server-program.ts';

export interface Nats extends ServerProgram {
  url: string;
}

export interface NatsOptions {
  /** Added to its command line. */
  args?: string[];
  /** The address of this machine to listen on; default: the loopback address. */
  address?: string;
}

/** A real NATS of the test's own, without JetStream. */
export async function startNats({ args = [], address = '127.0.0.1' }: NatsOptions = {}): Promise<Nats> {
  const server = await startServer({
    command: 'nats-server',
    args: (port) => ['--addr', address, '--port', String(port), ...args],
    answers: async (port) => {
      const greeting = await ask(port, '', address);
      if (!greeting.startsWith('INFO ')) throw new Error(`NATS greeted with ${JSON.stringify(greeting)}`);
    },
  });
  return { ...server, url: `nats://${address}:${server.port}` };
}
