import { tmpdir } from 'node:os';
import { ask } from './line-client.ts';
import { type ServerProgram, startServer } from './server-program.ts';

export interface Redis extends ServerProgram {
  url: string;
  /** FLUSHALL: every key is gone, the process stays. */
  flush(): Promise<void>;
  /** The answer to a command without blanks in its words, as it came over the wire; rejects when that is an error. */
  tell(command: string): Promise<string>;
}

/** A real Redis of the test's own on a loopback port, keeping nothing on disk: a restart empties it. `args` are added to its command line. */
export async function startRedis({ args = [] }: { args?: string[] } = {}): Promise<Redis> {
  const server = await startServer({
    command: 'redis-server',
    args: (port) => [
      ...[
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--dir',
        tmpdir(),
        '--save',
        '',
        '--appendonly',
        'no',
      ],
      ...args,
    ],
    answers: async (port) => {
      const answer = await ask(port, 'PING\r\n');
      if (!answer.startsWith('+PONG')) throw new Error(`Redis answered ${JSON.stringify(answer)}`);
    },
  });
  const tell = async (command: string) => {
    const answer = await ask(server.port, `${command}\r\n`);
    if (answer.startsWith('-')) throw new Error(`${command} was answered ${JSON.stringify(answer)}`);
    return answer;
  };
  return {
    ...server,
    url: `redis://127.0.0.1:${server.port}`,
    tell,
    flush: async () => {
      await tell('FLUSHALL');
    },
  };
}
