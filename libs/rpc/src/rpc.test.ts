import { type AddressInfo, createServer, type Socket } from 'node:net';
import { AppError } from '@spawner/domain';
import { AgentServiceService } from '@spawner/proto/internal/agent_service';
import { DnsServiceService } from '@spawner/proto/internal/dns_service';
import { createLog } from '@spawner/service';
import { createClient, type Handlers, implement, type RpcServer, serveRpc } from './index.ts';

const log = createLog('test', 'silent');
const challenge = { name: '_acme-challenge.a.test', value: 'v', ttlMs: 1 };

const none = { setChallenge: async () => ({}), clearChallenge: async () => ({}) };

async function dns(handlers: Partial<Handlers<typeof DnsServiceService>>): Promise<RpcServer> {
  const service = implement(DnsServiceService, { ...none, ...handlers });
  return serveRpc({ address: '127.0.0.1', port: 0, log, services: [service], reflection: true });
}

describe('a unary call', () => {
  it('brings the request there and the answer back', async () => {
    const seen: unknown[] = [];
    await using server = disposable(
      await dns({
        setChallenge: async (request) => {
          seen.push(request);
          return {};
        },
      }),
    );
    const client = createClient(DnsServiceService, `127.0.0.1:${server.port}`);
    await expect(client.setChallenge(challenge)).resolves.toEqual({});
    expect(seen).toEqual([challenge]);
    client.close();
  });

  it('keeps the kind, message and violations of an AppError', async () => {
    const violations = [{ field: 'name', message: 'not below the cluster' }];
    await using server = disposable(
      await dns({
        setChallenge: async () => {
          throw new AppError('invalid', 'bad', { violations });
        },
      }),
    );
    const client = createClient(DnsServiceService, `127.0.0.1:${server.port}`);
    await expect(client.setChallenge(challenge)).rejects.toMatchObject({
      code: 'invalid',
      message: 'bad',
      violations,
    });
    client.close();
  });

  it('withholds the text of an unexpected error', async () => {
    await using server = disposable(
      await dns({
        setChallenge: async () => {
          throw new Error('the password is x');
        },
      }),
    );
    const client = createClient(DnsServiceService, `127.0.0.1:${server.port}`);
    await expect(client.setChallenge(challenge)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/^internal error [0-9a-f-]{36}$/),
    });
    client.close();
  });

  it('ends at its deadline against a listener that says nothing', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const client = createClient(DnsServiceService, `127.0.0.1:${(silent.address() as AddressInfo).port}`);
    await expect(client.setChallenge(challenge, { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'deadline',
    });
    client.close();
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it('does not tell at its deadline where it went to', async () => {
    await using server = disposable(await dns({ setChallenge: () => new Promise(() => {}) }));
    const client = createClient(DnsServiceService, `127.0.0.1:${server.port}`);
    await expect(client.setChallenge(challenge, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'deadline',
      message: expect.not.stringContaining('127.0.0.1'),
    });
    client.close();
  });

  it('can be cancelled', async () => {
    let aborted = false;
    const leaving = new AbortController();
    const handler = (_: unknown, context: { signal: AbortSignal }) =>
      new Promise<object>((resolve) => {
        context.signal.addEventListener('abort', () => {
          aborted = true;
          resolve({});
        });
        // The call has arrived.
        leaving.abort();
      });
    await using server = disposable(await dns({ setChallenge: handler }));
    const client = createClient(DnsServiceService, `127.0.0.1:${server.port}`);
    await expect(client.setChallenge(challenge, { signal: leaving.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    await until(() => aborted);
    client.close();
  });
});

it('listens on an IPv6 address as well', async () => {
  await using server = disposable(
    await serveRpc({ address: '::1', port: 0, log, services: [implement(DnsServiceService, none)] }),
  );
  const client = createClient(DnsServiceService, `[::1]:${server.port}`);
  await expect(client.setChallenge(challenge)).resolves.toEqual({});
  client.close();
});

describe('a stream', () => {
  it('ends at the server when the consumer leaves its loop', async () => {
    let ended = false;
    const agent = implement(AgentServiceService, {
      startBackend: async () => ({}),
      stopBackend: async () => ({}),
      listBackends: async () => ({ backends: [] }),
      explainBackend: async () => ({ clocks: [], proxies: [], refusedEnds: [], endReason: 0 }),
      verifyBackend: async () => ({ state: 0, endReason: 0 }),
      async *tailLogs(_request, context) {
        try {
          for (let n = 0; !context.signal.aborted; n++) {
            yield { line: { stream: 1 as const, text: `line ${n}` } };
            await new Promise((resolve) => setImmediate(resolve));
          }
        } finally {
          ended = true;
        }
      },
    });
    await using server = disposable(
      await serveRpc({ address: '127.0.0.1', port: 0, log, services: [agent] }),
    );
    const client = createClient(AgentServiceService, `127.0.0.1:${server.port}`);
    for await (const { line } of client.tailLogs({ id: 'x', follow: true }))
      if (line?.text === 'line 3') break;
    await until(() => ended);
    client.close();
  });
});

function disposable(server: RpcServer) {
  return { port: server.port, [Symbol.asyncDispose]: () => server.close() };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
