/**
 * One proxy of a checkout with the Redis, NATS and scheduler of that checkout's own fixture, in a process of its own: an older
 * checkout speaks another protocol to them. Arguments: the checkout, variables as JSON, files of certificate and key, the
 * backend's port. Prints one line of JSON when the proxy knows a route to the backend.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [tree = '', env = '{}', cert = '', key = '', backendPort] = process.argv.slice(2);
const { startProxyWorld } = await import(join(tree, 'test/integration/proxy-fixture.ts'));
const world = await startProxyWorld(JSON.parse(env));
world.certify({ certPem: readFileSync(cert, 'utf8'), keyPem: readFileSync(key, 'utf8') });
const { host } = await world.backend({ port: Number(backendPort) });
process.once('SIGTERM', async () => {
  await world[Symbol.asyncDispose]();
  process.exit();
});
const { port, httpsPort, adminPort } = world;
const facts = { host, port, httpsPort, adminPort, pid: world.proxy.pid, redisUrl: world.redis.url };
console.log(JSON.stringify({ world: facts }));
