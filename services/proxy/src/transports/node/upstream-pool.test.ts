import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { keepFor, NodeUpstreamPool } from './upstream-pool.ts';

const AT_ONCE = 40;

describe('NodeUpstreamPool', () => {
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
    const upstreams = new NodeUpstreamPool(65_536);
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

it("tells Node's agent how long a backend keeps its connection, in the one form that the agent reads", async () => {
  const response = { headers: { 'keep-alive': 'max=100, timeout=3' } };
  keepFor(response);
  expect(response.headers).toEqual({ 'keep-alive': 'max=100, timeout=3' });
  await new Promise(process.nextTick);
  expect(response.headers).toEqual({ 'keep-alive': 'timeout=3' });
});
