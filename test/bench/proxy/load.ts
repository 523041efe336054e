import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The result of a load generator, which runs in a process of its own. */
export interface Done {
  /** Requests, messages or handshakes. */
  done: number;
  p99Ms?: number;
}

const CONNECTIONS = 32;
const run = (command: string, args: string[]) =>
  promisify(execFile)(command, args, { timeout: 60_000, maxBuffer: 1 << 20 }).then(({ stdout }) => stdout);

/** Requests over kept connections. */
export async function requests(
  port: number,
  host: string,
  path: string,
  seconds: number,
  headers: readonly string[] = [],
): Promise<Done> {
  const named = [`Host: ${host}`, ...headers].flatMap((line) => ['-H', line]);
  const text = await run('wrk', [
    ...['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency', ...named],
    `http://127.0.0.1:${port}${path}`,
  ]);
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(text);
  if (failed) throw new Error(`a request failed: ${failed[0]}`);
  const [, p99 = '0', unit = 'ms'] = /99%\s+([\d.]+)(us|ms|s)/.exec(text) ?? [];
  return { done: Number(/(\d+) requests in/.exec(text)?.[1]), p99Ms: Number(p99) * IN_MS[unit as Unit] };
}

type Unit = 'us' | 'ms' | 's';
const IN_MS: Readonly<Record<Unit, number>> = { us: 0.001, ms: 1, s: 1_000 };

/** WebSocket messages that return as an echo. */
export async function echoes(port: number, host: string, size: number, seconds: number): Promise<Done> {
  const client = new URL('./echo-client.ts', import.meta.url).pathname;
  const args = [port, host, size, CONNECTIONS, seconds].map(String);
  return JSON.parse(await run(process.execPath, [client, ...args]));
}

/** Full handshakes, one after another. */
export async function handshakes(port: number, host: string, seconds: number): Promise<Done> {
  const args = ['s_time', '-connect', `127.0.0.1:${port}`, '-new', '-tls1_3', '-time', String(seconds)];
  const text = await promisify(execFile)('openssl', args, { timeout: 60_000 }).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
  const done = Number(/(\d+) connections in \d+ real seconds/.exec(text)?.[1] ?? 0);
  if (done === 0) throw new Error(`no handshake with ${host} succeeded: ${text.slice(-200)}`);
  return { done };
}
