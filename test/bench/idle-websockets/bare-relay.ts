/**
 * The least that Node takes for a TLS connection joined to one to a backend: no proxy on Node can take less. Arguments: port, file of
 * the certificate, file of its key, port of the backend. Prints `ready`.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createServer } from 'node:tls';

const [port, cert = '', key = '', backendPort] = process.argv.slice(2);
const shared = Buffer.alloc(64 * 1024);

const tls = { cert: readFileSync(cert), key: readFileSync(key), noDelay: true };
const server = createServer(tls, (client) => {
  const backend = connect({
    port: Number(backendPort),
    host: '127.0.0.1',
    onread: {
      buffer: shared,
      callback: (length, bytes) => {
        client.write(Buffer.from(bytes.subarray(0, length)));
        return true;
      },
    },
  });
  client.on('data', (chunk) => backend.write(chunk));
  for (const socket of [client, backend]) socket.on('error', () => {});
  client.on('close', () => backend.destroy());
  backend.on('close', () => client.destroy());
});
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
