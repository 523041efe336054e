import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Upstreams } from './upstream-pool.ts';

const AT_ONCE = 40;

describe('Upstreams', () => {
  it('keep as many connections of a backend as its requests use at a time', async () => {
    const waiting: (() => void)[] = [];
    let connections = 0;
    // Answers only when all have come, so that each needs a connection of its own.
    const server = createServer((_req, res) => {
      waiting.push(() => res.end('ok'));
      if (waiting.length === AT_ONCE) for (const answer of waiting.splice(0)) answer();
    });
    server.on('connection', () => {
      connections += 1;
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const upstreams = new Upstreams();
    const agent = upstreams.agentOf('a');
    const ask = async () => {
      const [answer] = await once(get({ host: '127.0.0.1', port, agent }), 'response');
      answer.resume();
      await once(answer, 'close');
    };

    for (let turn = 0; turn < 3; turn++) await Promise.all(Array.from({ length: AT_ONCE }, ask));

    expect(connections).toBe(AT_ONCE);
    upstreams.close();
    server.close();
    await once(server, 'close');
  });
});
