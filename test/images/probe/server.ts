/**
 * The backend that the tests spawn: it does on command what a backend may do. It reads `PORT` and `NAME`. With
 * `EXIT_TIMEOUT` it exits by itself after so many milliseconds, with `EXIT_CODE`, which alone ends it at once. With
 * `LISTEN=false` it does not listen; `START_DELAY_MS` delays that. `IGNORE_SIGTERM=true` does what it says. With
 * `FENCE_EVERY_MS` it writes `fence <fence> <ns of the machine's monotonic clock>` at once and that often.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { acceptWebSocket } from '../../../deploy/images/demo/websocket.ts';
import { answer } from './routes.ts';

const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

const { PORT, HOST, EXIT_CODE, EXIT_TIMEOUT, LISTEN, START_DELAY_MS, IGNORE_SIGTERM, FENCE_EVERY_MS } =
  process.env;

process.on('SIGTERM', () => {
  if (IGNORE_SIGTERM === 'true') say('probe ignores SIGTERM');
  else exit(0);
});

if (FENCE_EVERY_MS) {
  const writeFence = () => say(`fence ${process.env.SPAWNER_FENCE} ${process.hrtime.bigint()}`);
  writeFence();
  setInterval(writeFence, Number(FENCE_EVERY_MS));
}
if (EXIT_CODE || EXIT_TIMEOUT) setTimeout(() => exit(Number(EXIT_CODE || 0)), Number(EXIT_TIMEOUT || 0));
if (START_DELAY_MS) await delay(Number(START_DELAY_MS));

const server = createServer((request, response) => void answer(request, response, exit));

server.on('upgrade', (request, socket, head) => {
  const limits = { maxMessageBytes: MAX_MESSAGE_BYTES, maxBufferedBytes: 4 * MAX_MESSAGE_BYTES };
  const connection = acceptWebSocket(request, socket, head, limits);
  if (!connection) return;
  connection.onMessage = (message) =>
    connection.send(typeof message === 'string' ? `echo: ${message}` : message);
});

if (LISTEN === 'false') {
  say('probe does not listen');
  setInterval(() => {}, 2 ** 30);
} else {
  server.listen(Number(PORT || 8080), HOST, () => {
    say(`probe listening on ${(server.address() as AddressInfo).port}`);
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function exit(code: number): void {
  say(`probe exits with ${code}`);
  process.exit(code);
}
