import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { eventually } from '@spawner/testkit';
import { ResponseMemo } from './response-memo.ts';
import { RawTunnel } from './tunnel.ts';
import { Upstream, type UpstreamUser } from './upstream.ts';

const stack = new AsyncDisposableStack();
afterAll(() => stack.disposeAsync());

const nobody: UpstreamUser = { taken() {}, bytes() {}, drained() {}, ended() {}, lost() {} };
const owner = {
  ...{ free: [], all: new Set<Upstream>(), responses: new ResponseMemo(), resting: false },
  connectTimeoutMs: 60_000,
  closed: () => {},
  failed: (error: unknown) => {
    throw error;
  },
};

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** The far ends of a tunnel: the user's and the program's. */
async function tunnel(): Promise<{
  user: Socket;
  program: Socket;
  near: Socket;
  it: RawTunnel;
  upstream: Upstream;
}> {
  const [front, back] = [
    createServer({ allowHalfOpen: true, noDelay: true }),
    createServer({ noDelay: true }),
  ];
  const [frontPort, port] = [await listen(front), await listen(back)];
  const programs = once(back, 'connection');
  const clients = once(front, 'connection');
  const upstream = new Upstream({ host: '127.0.0.1', port }, nobody, owner);
  const user = connect({ port: frontPort, host: '127.0.0.1', noDelay: true });
  const [[program], [near]] = [await programs, await clients];
  for (const socket of [user, program, near]) {
    socket.on('error', () => {});
    stack.defer(() => socket.destroy());
  }
  return { user, program, near, upstream, it: new RawTunnel(near, false, upstream) };
}

function hear(socket: Socket): { bytes: () => Buffer } {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { bytes: () => Buffer.concat(chunks) };
}

const frame = (text: string) => Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);
const GOODBYE = Buffer.concat([Buffer.from([0x88, 5, 0x03, 0xe9]), Buffer.from('end')]);

describe('RawTunnel', () => {
  it('carries a great deal both ways at once, unharmed', async () => {
    const { user, program } = await tunnel();
    const up = Buffer.from(Array.from({ length: 3 << 20 }, (_, at) => (at * 7) & 0xff));
    const down = Buffer.concat(Array.from({ length: 20_000 }, (_, at) => frame(`message ${at}`)));
    const [heardUp, heardDown] = [hear(program), hear(user)];
    user.write(up);
    program.write(down);
    await eventually(() => heardUp.bytes().length === up.length && heardDown.bytes().length === down.length);
    expect(heardUp.bytes().equals(up)).toBe(true);
    expect(heardDown.bytes().equals(down)).toBe(true);
  });

  it('queues little for the one that does not read', async () => {
    const { user, program, near, upstream } = await tunnel();
    const much = Buffer.alloc(24 << 20);
    user.pause().write(much);
    program.pause().write(much);
    await eventually(() => near.writableLength > 0 && upstream.socket.writableLength > 0);
    await eventually(() => near.isPaused() && !upstream.socket.readableFlowing);
    expect(near.writableLength).toBeLessThanOrEqual(64 * 1024);
    expect(upstream.socket.writableLength).toBeLessThanOrEqual(80 * 1024);
    const [heardUp, heardDown] = [hear(program.resume()), hear(user.resume())];
    await eventually(() => heardUp.bytes().length + heardDown.bytes().length === 2 * much.length);
  });

  it('says goodbye at once between two frames, and nothing after it', async () => {
    const { user, program, it: open } = await tunnel();
    const heard = hear(user);
    program.write(frame('hello'));
    await eventually(() => heard.bytes().length > 0);
    open.goodbye('end');
    program.write(frame('too late'));
    await once(user, 'end');
    expect(heard.bytes()).toEqual(Buffer.concat([frame('hello'), GOODBYE]));
    user.destroy();
    await open.closed;
  });

  it('waits for the frame under way before it says goodbye', async () => {
    const { user, program, it: open } = await tunnel();
    const heard = hear(user);
    program.write(frame('hello').subarray(0, 4));
    await eventually(() => heard.bytes().length === 4);
    open.goodbye('end');
    program.write(Buffer.concat([frame('hello').subarray(4), frame('too late')]));
    await once(user, 'end');
    expect(heard.bytes()).toEqual(Buffer.concat([frame('hello'), GOODBYE]));
  });

  it.each([
    ['the user ends', 'user', 'end'],
    ['the user breaks off', 'user', 'resetAndDestroy'],
    ['the program ends', 'program', 'end'],
    ['the program breaks off', 'program', 'resetAndDestroy'],
  ] as const)('closes both when %s', async (_what, side, how) => {
    const ends = await tunnel();
    const other = side === 'user' ? ends.program : ends.user;
    const left = once(other.resume(), 'close');
    ends[side].resume()[how]();
    await left;
    await ends.it.closed;
  });

  it('is cut at once', async () => {
    const { user, program, it: open } = await tunnel();
    const left = Promise.all([once(user.resume(), 'close'), once(program.resume(), 'close')]);
    open.cut();
    await left;
    await open.closed;
  });
});
