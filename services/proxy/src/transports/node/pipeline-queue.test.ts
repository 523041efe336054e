import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { eventually, rawHttp } from '@spawner/testkit';
import { PipelineQueue } from './pipeline-queue.ts';

type Handle = (req: IncomingMessage, res: ServerResponse) => Promise<void> | void;

/** The bytes that Node's server answers, one request after the other; `began` has the targets in their order. */
async function ask(bytes: string, handle: Handle): Promise<{ said: string; began: string[] }> {
  const queue = new PipelineQueue();
  const began: string[] = [];
  const server = createServer((req, res) =>
    queue.take(req.socket, {
      req,
      res,
      begin: () => {
        began.push(req.url ?? '');
        return handle(req, res);
      },
    }),
  );
  server.on('clientError', (error, socket) => queue.failed(error, socket));
  server.on('upgrade', (_req, socket) =>
    queue.take(socket, {
      begin: () => {
        began.push('upgrade');
        socket.end('upgraded');
      },
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return { said: await rawHttp((server.address() as AddressInfo).port, bytes), began };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const get = (target: string, more = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const LAST = get('/last', 'Connection: close\r\n');
const BAD = 'POST /bad HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n';
const soon: Handle = (req, res) => void setImmediate(() => res.end(`<${req.url}>`));
const statuses = (said: string) => [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);

describe('requests of one connection', () => {
  it('begin when the one before is answered', async () => {
    let open = 0;
    const { said, began } = await ask(get('/1') + get('/2') + LAST, (req, res) => {
      expect(++open).toBe(1);
      setImmediate(() => {
        open -= 1;
        res.end(`<${req.url}>`);
      });
    });
    expect(began).toEqual(['/1', '/2', '/last']);
    expect(said.match(/<.*?>/g)).toEqual(['</1>', '</2>', '</last>']);
  });

  it.each([
    ['a bare one', get('/1')],
    ['one with a body', `POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`],
  ])('never begin behind %s whose answer ended the connection', async (_what, first) => {
    const { said, began } = await ask(first + get('/2') + LAST, (_req, res) => {
      Promise.resolve().then(() => res.writeHead(400, { connection: 'close' }).end());
    });
    expect(began).toEqual(['/1']);
    expect(statuses(said)).toEqual(['400']);
  });

  it('are answered before what follows them is refused', async () => {
    const { said, began } = await ask(`${get('/1')}${get('/2')}rubbish\r\n\r\n`, soon);
    expect(began).toEqual(['/1', '/2']);
    expect(statuses(said)).toEqual(['200', '200', '400']);
  });

  it('are refused at once where the fault is in their own body', async () => {
    expect(statuses((await ask(BAD, () => {})).said)).toEqual(['400']);
    expect(statuses((await ask(get('/1') + BAD, soon)).said)).toEqual(['200', '400']);
  });

  it('get no second answer where their own body has a fault and their head was refused', async () => {
    const { said, began } = await ask(get('/1') + BAD, async (req, res) => {
      await new Promise(setImmediate);
      res.writeHead(req.url === '/1' ? 200 : 404).end();
    });
    expect(began).toEqual(['/1', '/bad']);
    expect(statuses(said)).toEqual(['200', '404']);
  });

  it('let an upgrade wait for its turn', async () => {
    const upgrade = get('/u', 'Connection: Upgrade\r\nUpgrade: websocket\r\n');
    const { said, began } = await ask(get('/1') + upgrade, soon);
    expect(began).toEqual(['/1', 'upgrade']);
    expect(said).toMatch(/<\/1>.*upgraded$/s);
  });

  it('are refused with what fits the fault', async () => {
    const long = await ask(get('/1', `X: ${'y'.repeat(20_000)}\r\n`), soon);
    expect(statuses(long.said)).toEqual(['431']);
    const extended = `POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;${'y'.repeat(20_000)}\r\n`;
    expect(statuses((await ask(extended, () => {})).said)).toEqual(['413']);
  });

  it('are not read further behind eight that wait, and are all answered in the end', async () => {
    const queue = new PipelineQueue();
    const answers: ServerResponse[] = [];
    let read = () => 0;
    let paused = false;
    const server = createServer((req, res) => {
      read = () => req.socket.bytesRead;
      req.socket.once('pause', () => {
        paused = true;
      });
      queue.take(req.socket, { req, res, begin: () => void (paused ? res.end() : answers.push(res)) });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let said = '';
    client.on('data', (bytes) => {
      said += bytes;
    });
    client.write(get('/1', `X: ${'y'.repeat(8_000)}\r\n`).repeat(400));
    client.on('error', () => {});
    await eventually(() => paused);
    // Eight heads, and what Node takes from the kernel at once.
    expect(read()).toBeLessThan(300_000);
    for (const res of answers) res.end();
    await eventually(() => statuses(said).length === 400);
    client.destroy();
    server.close();
  });

  it('end with the client though a handshake waits behind them', async () => {
    const queue = new PipelineQueue();
    const closed: boolean[] = [];
    const server = createServer((req, res) => {
      res.once('close', () => closed.push(true));
      queue.take(req.socket, { req, res, begin: () => {} });
    });
    const upgraded = new Promise<void>((resolve) =>
      server.on('upgrade', (_req, socket) => {
        queue.take(socket, { begin: () => {} });
        resolve();
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write(get('/1') + get('/u', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'));
    await upgraded;
    client.destroy();
    await eventually(() => expect(closed).toEqual([true]));
    server.close();
  });

  it('do not pile up without bound', async () => {
    const { began, said } = await ask(get('/1').repeat(400), () => {});
    expect(began).toEqual(['/1']);
    expect(said).toBe('');
  });
});
