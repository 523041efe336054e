import { request as open, type RequestListener } from 'node:http';

const ANSWER_MS = 5_000;

/** Hands /healthz, /readyz and /metrics on to the service's own admin port, so that both ports say the same. */
export function adminPort(address: string, port: number): RequestListener {
  return (request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    const asked = open({ host: address, port, path, timeout: ANSWER_MS, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, {
        'content-type': answer.headers['content-type'] ?? 'text/plain',
      });
      answer.pipe(response);
    });
    asked.on('timeout', () =>
      asked.destroy(new Error(`the admin port did not answer within ${ANSWER_MS} ms`)),
    );
    asked.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(503).end()));
    asked.end();
  };
}
