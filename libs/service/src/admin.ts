import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * The admin port of a service: /healthz (the process runs), /readyz (it can work; 503 with its reasons if not) and /metrics. It is
 * never a port that users reach.
 */
export interface Admin {
  readonly port: number;
  close(): Promise<void>;
}

export interface AdminSources {
  /** A phrase for each thing that the service waits for; empty if it is ready. */
  waitingFor(): string[];
  /** In Prometheus's text format. */
  metrics(): Promise<string>;
}

export async function serveAdmin(address: string, port: number, sources: AdminSources): Promise<Admin> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
    if (request.url === '/healthz') return answer(200, { status: 'ok' });
    if (request.url === '/metrics') {
      sources.metrics().then(
        (text) => response.writeHead(200, { 'content-type': 'text/plain' }).end(text),
        () => answer(500, { message: 'the metrics could not be read' }),
      );
      return;
    }
    if (request.url !== '/readyz') return answer(404, { message: 'not found' });
    const waitingFor = sources.waitingFor();
    const ready = waitingFor.length === 0;
    return answer(ready ? 200 : 503, { ready, waiting_for: waitingFor });
  });
  await once(server.listen(port, address), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
