import { EventEmitter, once } from 'node:events';
import { connect, createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { TIMEOUTS } from '../../timeouts.ts';
import { endIdle } from './connection.ts';

const stack = new AsyncDisposableStack();
afterAll(() => stack.disposeAsync());

/** A session whose time without activity passes when the test says so. */
class QuietSession extends EventEmitter {
  closed = false;
  idleMs = 0;
  #timeout: () => void = () => {};

  setTimeout(ms: number, timeout: () => void): void {
    this.idleMs = ms;
    this.#timeout = timeout;
  }

  close(): void {
    this.closed = true;
  }

  /** Opens a stream; the caller emits its `close`. */
  open(): EventEmitter {
    const stream = new EventEmitter();
    this.emit('stream', stream);
    return stream;
  }

  /** Returns whether the session is closed after a time without activity. */
  idle(): boolean {
    this.#timeout();
    return this.closed;
  }
}

function session(): QuietSession {
  const quiet = new QuietSession();
  endIdle(quiet as unknown as ServerHttp2Session);
  return quiet;
}

describe('an HTTP/2 session', () => {
  it('ends after two minutes without a stream', () => {
    const quiet = session();
    expect(quiet.idleMs).toBe(TIMEOUTS.http2Idle);
    expect(quiet.idle()).toBe(true);
  });

  it('stays while a stream is open, however silent, and ends when the last one has closed', () => {
    const quiet = session();
    const [first, second] = [quiet.open(), quiet.open()];
    expect(quiet.idle()).toBe(false);
    first.emit('close');
    expect(quiet.idle()).toBe(false);
    second.emit('close');
    expect(quiet.idle()).toBe(true);
  });

  it('is closed for its client, too', async () => {
    const http2 = createServer().on('session', (opened) => endIdle(opened, 50));
    http2.listen(0, '127.0.0.1');
    await once(http2, 'listening');
    stack.defer(() => void http2.close());
    const client = connect(`http://127.0.0.1:${(http2.address() as AddressInfo).port}`);
    stack.defer(() => client.destroy());
    await once(client, 'close');
  });
});
