import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from './raw-http.ts';
import { type ServerProgram, startServer } from './server-program.ts';
import { tempDir } from './temp-dir.ts';

export interface Redis extends ServerProgram {
  url: string;
  /** FLUSHALL: every key is gone, the process stays. */
  flush(): Promise<unknown>;
  /** Deletes its append-only file, so that it starts with an empty store. Only while it is stopped. */
  lose(): Promise<void>;
  /** The answer to a command without blanks in its words, as it came over the wire; rejects when that is an error. */
  tell(command: string): Promise<string>;
}

export interface RedisOptions {
  /** Added to its command line. */
  args?: string[];
  /**
   * Whether it keeps an append-only file, written once a second as Redis does by default; by default a restart empties it.
   */
  keeps?: boolean;
  /** A second address of this machine to listen on, which other machines may use as well. */
  address?: string;
}

/** A real Redis of the test's own. */
export async function startRedis({ args = [], keeps = false, address }: RedisOptions = {}): Promise<Redis> {
  await using stack = new AsyncDisposableStack();
  const dir = keeps ? stack.use(await tempDir('redis')) : undefined;
  const listening = address ? ['127.0.0.1', address, '--protected-mode', 'no'] : ['127.0.0.1'];
  const keeping = ['--appendonly', dir ? 'yes' : 'no'];
  const server = await startServer({
    command: 'redis-server',
    args: (port) => [
      ...['--port', String(port), '--bind', ...listening, '--dir', dir?.path ?? tmpdir(), '--save', ''],
      ...keeping,
      ...args,
    ],
    answers: async (port) => {
      const answer = await ask(port, 'PING\r\n');
      if (!answer.startsWith('+PONG')) throw new Error(`Redis answered ${JSON.stringify(answer)}`);
    },
  });
  stack.use(server);
  const tell = async (command: string) => {
    const answer = await ask(server.port, `${command}\r\n`);
    if (!/^[^-]/.test(answer)) throw new Error(`${command} was answered ${JSON.stringify(answer)}`);
    return answer;
  };
  const all = stack.move();
  return {
    ...server,
    url: `redis://${address ?? '127.0.0.1'}:${server.port}`,
    tell,
    flush: () => tell('FLUSHALL'),
    lose: async () => {
      for (const name of dir ? await readdir(dir.path) : [])
        await rm(join(dir!.path, name), { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
