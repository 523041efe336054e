import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { eventually, type HttpAnswer } from '@spawner/testkit';
import { WebSocket, WebSocketServer } from 'ws';
import { startTraffic } from './traffic.ts';

const answer = (status: number, body: string) => ({ status, body }) as HttpAnswer;

describe('traffic', () => {
  it('continues after a failure and keeps its cause: a status, a lost answer, a closed WebSocket, a missing echo', async () => {
    await using server = new AsyncDisposableStack();
    const sockets = server.adopt(
      new WebSocketServer({ port: 0, host: '127.0.0.1' }),
      (each) => new Promise<void>((resolve) => each.close(() => resolve())),
    );
    await once(sockets, 'listening');
    const { port } = sockets.address() as AddressInfo;
    let mute = false;
    sockets.on('connection', (socket) =>
      socket.on('message', (data) => mute || socket.send(`echo: ${data.toString()}`)),
    );
    const http: (() => HttpAnswer)[] = [];
    const edge = {
      fetchBackend: async () => http.shift()?.() ?? answer(200, ''),
      openWebSocket: async () => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}`);
        await once(socket, 'open');
        return socket;
      },
    };
    const traffic = await startTraffic(edge, ['one']);
    server.defer(() => traffic.stop());
    await traffic.round();
    expect(traffic.takeFailures()).toEqual([]);

    http.push(
      () => answer(502, 'the backend is not there'),
      () => {
        throw new Error('socket hang up');
      },
    );
    for (const socket of sockets.clients) socket.close(1001, 'over');
    await traffic.round();
    const causes = traffic.takeFailures().map(({ id, kind, cause }) => `${id} ${kind} ${cause}`);
    expect(causes.sort()).toEqual([
      'one http 502: the backend is not there',
      'one http socket hang up',
      'one websocket closed with 1001 over',
    ]);

    mute = true;
    await eventually(() =>
      expect(traffic.takeFailures()).toMatchObject([
        { kind: 'websocket', cause: expect.stringContaining('10000') },
      ]),
    );
  });
});
