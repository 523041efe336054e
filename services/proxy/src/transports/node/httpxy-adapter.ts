import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { Http2ServerRequest } from 'node:http2';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { ProxyServer } from 'httpxy';
import { OTHER_PROTOCOL } from '../../edge/response-rules.ts';
import { TIMEOUTS } from '../../timeouts.ts';
import { type Dialling, dial, isRefusal, watchDial } from '../dialling.ts';
import { failureOf } from './answer-agent.ts';
import type { NodeExchange } from './exchange.ts';
import {
  breakOff,
  endUnread,
  isGone,
  linger,
  sendHead,
  type WebRequest,
  type WebResponse,
  watchClose,
} from './node-http.ts';
import { boundInterim, readResponse, readSwitch } from './response-parser.ts';
import { keepFor, type NodeUpstreamPool } from './upstream-pool.ts';

/**
 * The one file that knows httpxy: it streams requests and WebSocket handshakes to an endpoint and the answers back. It works
 * around these habits, and has no policy of its own:
 * - Its hook for headers does not run for every request, so headers are replaced before it sees them.
 * - It joins a client to whatever protocol the backend switches to, so it hears only of switches that were accepted.
 * - It answers nothing if a refused response is already complete, so the exchange is failed first.
 * - It writes heads of handshakes as text, although what it read was single bytes.
 */
export class HttpxyAdapter {
  readonly #proxy = new ProxyServer<WebRequest, WebResponse>();
  readonly #exchanges = new WeakMap<object, NodeExchange>();
  readonly #upstreams: Pick<NodeUpstreamPool, 'agentOf' | 'once'>;
  readonly #dialling: Dialling;

  constructor(upstreams: Pick<NodeUpstreamPool, 'agentOf' | 'once'>, dialling: Dialling) {
    this.#upstreams = upstreams;
    this.#dialling = dialling;
    this.#proxy.on('proxyReq', (outgoing, req) => this.#requestSent(outgoing, req));
    this.#proxy.on('proxyRes', (response, req, res) => this.#answered(response, req, res));
    this.#proxy.on('proxyReqWs', (outgoing, req, client) => this.#handshakeSent(outgoing, req, client));
    this.#proxy.on('error', (error, req, res) => this.#failed(error, req, res));
  }

  /** Streams the request to the backend and its response to `res`. */
  request(req: WebRequest, res: WebResponse, exchange: NodeExchange): void {
    this.#begin(req, exchange);
    const agent = this.#upstreams.agentOf(exchange.request.backendId ?? '');
    void this.#proxy.web(req, res, { target: targetOf(exchange), agent }).catch(() => {});
  }

  /** Forwards the handshake. A refusal crosses whole; after a 101 bytes flow both ways. */
  upgrade(req: IncomingMessage, client: Socket, head: Buffer, exchange: NodeExchange): void {
    this.#begin(req, exchange);
    const options = {
      target: targetOf(exchange),
      agent: this.#upstreams.once,
      upgradeTimeout: TIMEOUTS.handshakeAnswer,
    };
    void this.#proxy.ws(req, client, options, head).catch(() => {});
  }

  #begin(req: WebRequest, exchange: NodeExchange): void {
    replaceHeaders(req, exchange.headers);
    req.url = exchange.path;
    this.#exchanges.set(req, exchange);
  }

  #requestSent(outgoing: ClientRequest, req: WebRequest): void {
    const exchange = this.#exchanges.get(req);
    if (!exchange) return;
    exchange.sent(outgoing);
    // Node ends a body that was cut off as if it were complete; the backend must not take it for whole.
    if (req instanceof Http2ServerRequest)
      req.stream
        .once('aborted', () => outgoing.destroy())
        .once('close', () => {
          if (!outgoing.writableFinished) outgoing.destroy();
        });
    watchDial(outgoing, this.#dialling, () => exchange.reached());
    boundInterim(outgoing);
    outgoing.once('upgrade', (_response, socket) => {
      socket.destroy();
      exchange.failed({ objection: OTHER_PROTOCOL });
    });
  }

  #handshakeSent(outgoing: ClientRequest, req: WebRequest, client: Socket): void {
    const exchange = this.#exchanges.get(req);
    if (!exchange) return;
    const stopWatching = watchClose(client, () => client.destroy());
    outgoing.once('error', stopWatching);
    boundInterim(outgoing);
    outgoing.once('socket', () => {
      watchDial(outgoing, this.#dialling, () => exchange.reached());
      exchange.sent(outgoing);
      guardSwitch(outgoing, (response, upstream) => {
        stopWatching();
        const read = readSwitch(response, exchange.clusterDomain);
        if (read.objection !== undefined) {
          upstream.destroy();
          exchange.failed({ objection: read.objection });
          outgoing.destroy();
          return false;
        }
        const { upgrade } = response.headers;
        replaceHeaders(response, { ...read.headers, connection: 'Upgrade', upgrade });
        client.setDefaultEncoding('latin1');
        exchange.answered(101);
        process.nextTick(() => exchange.client.upgraded(upstream));
        return true;
      });
    });
    outgoing.once('response', (response) => {
      stopWatching();
      const read = readResponse(response, exchange.clusterDomain, 1);
      if (exchange.tooLate || read.objection !== undefined) {
        exchange.failed({ objection: read.objection });
        outgoing.destroy();
        return;
      }
      linger(client);
      // httpxy frames the body again by this header.
      const { 'transfer-encoding': coding } = response.headers;
      if (coding !== undefined) read.headers['transfer-encoding'] = coding;
      replaceHeaders(response, exchange.located(read.headers));
      response.httpVersion = '1.1';
      exchange.answered(read.status);
    });
  }

  #answered(response: IncomingMessage, req: WebRequest, res: WebResponse): void {
    const exchange = this.#exchanges.get(req);
    if (!exchange) return;
    const read = readResponse(response, exchange.clusterDomain, req.httpVersionMajor);
    if (exchange.tooLate || read.objection !== undefined) {
      exchange.failed({ objection: read.objection });
      response.statusCode = 502;
      replaceHeaders(response, {});
      exchange.giveUp();
      return;
    }
    keepFor(response);
    response.statusCode = read.status;
    const closes = req.httpVersionMajor === 1 && exchange.client.closing();
    const headers = exchange.located(read.headers);
    replaceHeaders(response, closes ? { ...headers, connection: 'close' } : headers);
    exchange.response = response;
    exchange.answered(read.status);
    endUnread(req, res);
    // The head must not wait for the body.
    setImmediate(() => sendHead(res));
    response.once('close', () => {
      if (response.complete) return;
      exchange.client.access?.broke();
      breakOff(res);
    });
  }

  #failed(error: Error, req: WebRequest | undefined, to: WebResponse | Socket | undefined): void {
    const exchange = req && this.#exchanges.get(req);
    if (!exchange) return;
    const res = to && 'headersSent' in to ? to : undefined;
    if (res && !isGone(res) && exchange.repeat()) {
      const options = { target: targetOf(exchange), agent: this.#upstreams.once, buffer: Readable.from([]) };
      void this.#proxy.web(req, res, options).catch(() => {});
      return;
    }
    if (res && isRefusal(error)) {
      void this.#dialAgain(req, res, exchange);
      return;
    }
    // Node takes a body that ends with its connection for whole, however the connection ended.
    if (res && exchange.response?.complete === false) breakOff(res);
    exchange.failed(failureOf(error));
  }

  /** The port is closed. The request is sent once the backend has accepted a connection. */
  async #dialAgain(req: WebRequest, res: WebResponse, exchange: NodeExchange): Promise<void> {
    let upstream: Socket | undefined;
    while (!upstream && (await exchange.dialAgain()))
      upstream = await dial(exchange.decision.endpoint, this.#dialling);
    if (!upstream || isGone(res)) {
      upstream?.destroy();
      exchange.failed();
      return;
    }
    const options = { target: targetOf(exchange), agent: agentOn(upstream), buffer: Readable.from([]) };
    void this.#proxy.web(req, res, options).catch(() => {});
  }
}

/** An agent for one request, on this connection. */
function agentOn(upstream: Socket): Agent {
  return Object.assign(new Agent({ keepAlive: false }), { createConnection: () => upstream });
}

function targetOf({ decision }: NodeExchange) {
  const { host, port } = decision.endpoint;
  return { protocol: 'http:', host, port };
}

/**
 * Requests of HTTP/2 can only be changed in place; their pseudo-headers stay, because method and path are read from them.
 * Deleting from an object makes every later look-up slow, so messages of HTTP/1 get a new one.
 */
function replaceHeaders(message: WebRequest, wanted: IncomingHttpHeaders | OutgoingHttpHeaders): void {
  if (message instanceof IncomingMessage) {
    message.headers = wanted as IncomingHttpHeaders;
    return;
  }
  const present = message.headers;
  for (const name of Object.keys(present)) if (!name.startsWith(':')) delete present[name];
  for (const [name, value] of Object.entries(wanted))
    if (!name.startsWith(':')) Object.assign(present, { [name]: value });
}

/** Lets httpxy see a switch only if `accept` agrees. To be called once httpxy listens. */
function guardSwitch(
  outgoing: ClientRequest,
  accept: (response: IncomingMessage, upstream: Socket) => boolean,
): void {
  const joins = outgoing.listeners('upgrade');
  outgoing.removeAllListeners('upgrade');
  outgoing.once('upgrade', (response, upstream, early) => {
    if (accept(response, upstream as Socket))
      for (const join of joins) join.call(outgoing, response, upstream, early);
  });
}
