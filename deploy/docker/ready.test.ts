import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const READY = join(__dirname, 'ready.mjs');

/** The exit code of the health check beside an admin port at this address that answers with this status. */
async function ends(listening: string, status: number, env: Record<string, string>): Promise<number> {
  const admin = createServer((_request, response) => response.writeHead(status).end());
  admin.listen(0, listening);
  await once(admin, 'listening');
  const port = String((admin.address() as AddressInfo).port);
  const check = spawn(process.execPath, [READY, 'GATEWAY', port], { env, stdio: 'ignore' });
  const [code] = await once(check, 'exit');
  admin.close();
  return code;
}

describe('the health check of an image', () => {
  it.each<[string, Record<string, string>]>([
    ['127.0.0.1', {}],
    ['127.0.0.1', { SPAWNER_BIND_ADDRESS: '0.0.0.0' }],
    ['127.0.0.2', { SPAWNER_BIND_ADDRESS: '127.0.0.2' }],
    ['127.0.0.2', { SPAWNER_BIND_ADDRESS: '0.0.0.0', SPAWNER_ADMIN_BIND_ADDRESS: '127.0.0.2' }],
    ['::1', { SPAWNER_BIND_ADDRESS: '::1' }],
    ['::', { SPAWNER_BIND_ADDRESS: '::' }],
  ])('asks the admin port where it listens: %s with %j', async (listening, env) => {
    expect(await ends(listening, 200, env)).toBe(0);
  });

  it('fails if the service is not ready, or does not listen', async () => {
    expect(await ends('127.0.0.1', 503, {})).toBe(1);
    expect(await ends('127.0.0.1', 200, { SPAWNER_GATEWAY_ADMIN_PORT: '1' })).toBe(1);
  });
});
