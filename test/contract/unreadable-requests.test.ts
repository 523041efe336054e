/** Bytes that are no request, on the port of every service that serves gRPC. */

import { connect } from 'node:net';
import { systemClock } from '@spawner/domain';
import { AgentServiceService } from '@spawner/proto/internal/agent_service';
import { CertificatesServiceService } from '@spawner/proto/internal/certificates_service';
import { DnsServiceService } from '@spawner/proto/internal/dns_service';
import { SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import { BackendServiceService } from '@spawner/proto/v1/backend_service';
import { FleetServiceService } from '@spawner/proto/v1/fleet_service';
import { type Implementation, type ServiceDefinition, serveRpc } from '@spawner/rpc';
import { testLog } from '@spawner/testkit';
import fc from 'fast-check';
import { agentService } from '../../services/agent/src/server.ts';
import { certificatesService } from '../../services/certificates/src/server.ts';
import { dnsService } from '../../services/dns/src/server.ts';
import { schedulerService } from '../../services/scheduler/src/server.ts';
import { startGateway } from './gateway.ts';
import { grpcCall } from './grpc-wire.ts';

const INVALID_ARGUMENT = 3;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const log = testLog();
/** A request that is not read reaches nothing behind a service's face. */
const nothing = {} as never;

const serving: Record<string, { definitions: ServiceDefinition[]; port: number }> = {};
const closing: (() => Promise<unknown>)[] = [];

async function serve(name: string, definition: ServiceDefinition, service: Implementation): Promise<void> {
  const server = await serveRpc({ address: '127.0.0.1', port: 0, log, services: [service] });
  closing.push(() => server.close());
  serving[name] = { definitions: [definition], port: server.port };
}

beforeAll(async () => {
  const gateway = await startGateway();
  closing.push(async () => gateway[Symbol.asyncDispose]());
  serving.gateway = { definitions: [BackendServiceService, FleetServiceService], port: gateway.grpcPort };
  await serve('scheduler', SchedulerServiceService, schedulerService(nothing));
  await serve('agent', AgentServiceService, agentService(nothing, nothing, systemClock));
  await serve('dns', DnsServiceService, dnsService(nothing, 'a.test'));
  const { signal } = new AbortController();
  await serve('certificates', CertificatesServiceService, certificatesService(nothing, signal));
});
afterAll(async () => {
  for (const close of closing) await close();
});

const at = (name: string) => serving[name] ?? { definitions: [], port: 0 };
const answersHealth = async (port: number) => {
  const { status, messages } = await grpcCall(port, '/grpc.health.v1.Health/Check', Buffer.alloc(0));
  // Field 1: SERVING.
  return status === 0 && messages[0]?.equals(Buffer.from([8, 1]));
};

describe.each(['gateway', 'scheduler', 'agent', 'dns', 'certificates'])('%s', (name) => {
  it('answers every method INVALID_ARGUMENT, with the name of the message that the bytes are not', async () => {
    const { definitions, port } = at(name);
    const paths = definitions.flatMap((each) => Object.values(each).map(({ path }) => path));
    expect(paths.length).toBeGreaterThan(0);
    for (const path of paths) {
      const { status, message } = await grpcCall(port, path, Buffer.from([0x0a, 0xff, 0xff]));
      expect([path, status, message]).toEqual([
        path,
        INVALID_ARGUMENT,
        expect.stringMatching(/^the request is not a spawner\.(internal\.)?v1\.\w+Request$/),
      ]);
    }
  });

  it('keeps serving after any bytes, before and after the preface of HTTP/2', async () => {
    const { port } = at(name);
    const garbage = fc.tuple(fc.boolean(), fc.uint8Array({ minLength: 1, maxLength: 2_000 }));
    const check = fc.asyncProperty(garbage, async ([prefaced, bytes]) => {
      await send(port, prefaced ? Buffer.concat([PREFACE, bytes]) : bytes);
    });
    await fc.assert(check, { numRuns: 50 });
    expect(await answersHealth(port)).toBe(true);
  });
});

/** Sends the bytes and ends; resolves when the connection is over, however it ends. */
function send(port: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2_000 });
    socket.once('connect', () => socket.end(bytes));
    socket.once('timeout', () => socket.destroy());
    socket.on('error', () => {});
    socket.once('close', () => resolve());
    socket.resume();
  });
}
