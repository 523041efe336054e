/** `node ready.mjs SERVICE PORT`: ends with 0 when the service in this container can do its work. PORT is its usual admin port. */
const [service, usual] = process.argv.slice(2);
const port = process.env[`SPAWNER_${service}_ADMIN_PORT`] || usual;

const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
