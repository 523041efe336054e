/** `node ready.mjs SERVICE PORT`: exits with 0 if the service in this container is ready. PORT is its usual admin port. */
const [service, usual] = process.argv.slice(2);
const port = process.env[`SPAWNER_${service}_ADMIN_PORT`] || usual;
const bound = process.env.SPAWNER_ADMIN_BIND_ADDRESS || process.env.SPAWNER_BIND_ADDRESS || '127.0.0.1';
const address = { '0.0.0.0': '127.0.0.1', '::': '::1' }[bound] ?? bound;
const host = address.includes(':') ? `[${address}]` : address;

const answer = await fetch(`http://${host}:${port}/readyz`).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
