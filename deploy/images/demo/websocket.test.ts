import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { WebSocket } from 'ws';
import { acceptWebSocket, type WebSocketConnection, type WebSocketLimits } from './websocket.ts';

let server: Server;
let port: number;
let limits: Partial<WebSocketLimits>;
let accepted: WebSocketConnection[];
let closeCodes: Promise<number>[];

beforeEach(async () => {
  limits = {};
  accepted = [];
  closeCodes = [];
  const codes = closeCodes;
  server = createServer().on('upgrade', (request, socket, head) => {
    const connection = acceptWebSocket(request, socket, head, limits);
    if (!connection) return;
    accepted.push(connection);
    connection.onMessage = (message) => connection.send(message);
    codes.push(
      new Promise((resolve) => {
        connection.onClose = resolve;
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  for (const connection of accepted) connection.close(1001);
  server.close();
  await once(server, 'close');
});

async function open(): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
  await once(client, 'open');
  return client;
}

async function echoed(client: WebSocket, message: string | Buffer): Promise<Buffer> {
  const answer = once(client, 'message');
  client.send(message);
  const [data] = await answer;
  return data as Buffer;
}

/** Sends bytes of its own making after a good handshake; gives the code of the server's close frame. */
async function closeCodeFor(bytes: Buffer): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`,
  );
  const [handshake] = (await once(socket, 'data')) as [Buffer];
  expect(handshake.toString()).toContain('101 Switching Protocols');
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  socket.write(bytes);
  await once(socket, 'close');
  const frame = Buffer.concat(received);
  expect(frame[0]).toBe(0x88);
  return frame.readUInt16BE(2);
}

describe('a WebSocket connection', () => {
  it('carries messages of every length form both ways', async () => {
    limits = { maxMessageBytes: 100_000 };
    const client = await open();
    for (const length of [0, 1, 125, 126, 65_535, 65_536, 100_000]) {
      expect((await echoed(client, 'é'.repeat(length >> 1))).toString()).toBe('é'.repeat(length >> 1));
      expect(await echoed(client, Buffer.alloc(length, 7))).toEqual(Buffer.alloc(length, 7));
    }
  });

  it('joins fragments and answers a ping between them', async () => {
    const client = await open();
    const answer = once(client, 'message');
    const pong = once(client, 'pong');
    client.send('Blue ', { fin: false });
    client.ping('there?');
    client.send('Heron', { fin: true });
    expect(((await pong) as [Buffer])[0].toString()).toBe('there?');
    expect(((await answer) as [Buffer])[0].toString()).toBe('Blue Heron');
  });

  it('reports the code of a peer that closes, and echoes it', async () => {
    const client = await open();
    client.close(4001, 'enough');
    const [code] = (await once(client, 'close')) as [number];
    expect(code).toBe(4001);
    expect(await closeCodes[0]).toBe(4001);
  });

  it('closes with a code and a reason', async () => {
    const client = await open();
    accepted[0]!.close(1001, 'going away');
    const [code, reason] = (await once(client, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1001, 'going away']);
  });

  it('refuses messages above the limit, whole or in fragments, with 1009', async () => {
    const whole = await open();
    whole.send('x'.repeat(64 * 1024 + 1));
    expect(((await once(whole, 'close')) as [number])[0]).toBe(1009);
    const parts = await open();
    parts.send('x'.repeat(40_000), { fin: false });
    parts.send('x'.repeat(40_000), { fin: true });
    expect(((await once(parts, 'close')) as [number])[0]).toBe(1009);
  });

  it('refuses frames that break the protocol', async () => {
    const masked = (first: number, payload: Buffer) =>
      Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
    expect(await closeCodeFor(Buffer.from([0x81, 0x01, 0x41]))).toBe(1002);
    expect(await closeCodeFor(masked(0xc1, Buffer.from('a')))).toBe(1002);
    expect(await closeCodeFor(masked(0x83, Buffer.from('a')))).toBe(1002);
    expect(await closeCodeFor(masked(0x80, Buffer.from('a')))).toBe(1002);
    expect(await closeCodeFor(masked(0x09, Buffer.from('a')))).toBe(1002);
    expect(await closeCodeFor(masked(0x81, Buffer.from([0xff])))).toBe(1007);
  });

  it('cuts a peer that answers no ping', async () => {
    limits = { pingEveryMs: 10 };
    const client = new WebSocket(`ws://127.0.0.1:${port}/`, { autoPong: false });
    await once(client, 'open');
    expect(((await once(client, 'close')) as [number])[0]).toBe(1006);
    expect(await closeCodes[0]).toBe(1006);
  });

  it('cuts a peer that reads too slowly', async () => {
    limits = { maxBufferedBytes: 100_000 };
    const client = await open();
    client.pause();
    for (let sent = 0; sent < 300; sent++) accepted[0]!.send(Buffer.alloc(100_000));
    expect(await closeCodes[0]).toBe(1006);
    client.terminate();
  });

  it('answers a wrong handshake with an HTTP error', async () => {
    const answerTo = async (headers: string) => {
      const socket = connect(port, '127.0.0.1');
      socket.write(`GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n${headers}\r\n\r\n`);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      return answer.toString().split('\r\n')[0];
    };
    expect(await answerTo('Upgrade: h2c')).toBe('HTTP/1.1 400 Bad Request');
    expect(await answerTo('Upgrade: websocket\r\nSec-WebSocket-Key: short')).toBe('HTTP/1.1 400 Bad Request');
    const key = `Sec-WebSocket-Key: ${'A'.repeat(22)}==`;
    expect(await answerTo(`Upgrade: websocket\r\n${key}\r\nSec-WebSocket-Version: 9`)).toBe(
      'HTTP/1.1 400 Bad Request',
    );
  });
});
