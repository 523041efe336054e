import {
  type Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { Http2ServerRequest, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { ProxyServer } from 'httpxy';
import type { AccessEntry } from '../../access-log/access-entry.ts';
import {
  boundInterim,
  letAgentRead,
  objectionTo,
  objectionToSwitch,
  withoutIdleLength,
} from '../../edge/response-rules.ts';
import { TIMEOUTS } from '../../timeouts.ts';
import { type Dialling, watchDial } from './dial.ts';
import { openExtended } from './extended-connect.ts';
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

/**
 * The general path to a backend, and the one file that knows httpxy: streams a request or a WebSocket
 * handshake to an endpoint and its answer back. Headers are replaced before httpxy sees them, because
 * its own hook does not run for every request; what a backend answers is made fit for any client.
 */
export interface Forwarding {
  endpoint: Endpoint;
  path: string;
  headers: OutgoingHttpHeaders;
  /** What the client gets of the backend's headers. */
  answerHeaders(headers: IncomingHttpHeaders, handshake: boolean): IncomingHttpHeaders;
  /** The backend has taken the connection. */
  reached(): void;
  /** The backend answered with this status. */
  answered(status: number): void;
  /** Where there is an access log. */
  access: AccessEntry | undefined;
  /** It failed; where nothing was answered yet, the client still needs an answer. */
  failed(error: unknown): void;
}

export interface WebForwarding extends Forwarding {
  /** Kept-alive connections of this backend. */
  agent: Agent;
  /** No body, and doing it twice is as good as once: may be sent again when a kept connection turns out dead. */
  repeatable: boolean;
  /** Whether the client's connection is to end with this answer. */
  closing(): boolean;
}

export interface UpgradeForwarding extends Forwarding {
  /** Both directions flow. */
  upgraded(upstream: Socket): void;
}

interface Under {
  way: Forwarding;
  web: WebForwarding | undefined;
  request: ClientRequest | undefined;
  /** What its connection had brought before. */
  readBefore: number;
  answered: boolean;
  answer: IncomingMessage | undefined;
  repeated: boolean;
}

export class Forwarder {
  readonly #proxy = new ProxyServer<WebRequest, WebResponse>();
  readonly #underWay = new WeakMap<object, Under>();
  readonly #dialling: Dialling;

  constructor(dialling: Dialling) {
    this.#dialling = dialling;
    this.#proxy.on('proxyReq', (outgoing, req) => this.#sent(outgoing, req));
    this.#proxy.on('proxyRes', (answer, req, res) => this.#answered(answer, req, res));
    this.#proxy.on('proxyReqWs', (outgoing, req, socket) => this.#handshakeSent(outgoing, req, socket));
    this.#proxy.on('error', (error, req, res) => this.#failed(error, req, res));
  }

  /** Streams the request to the backend and its answer to `res`. */
  request(req: WebRequest, res: WebResponse, way: WebForwarding): void {
    replace(req, way.headers);
    req.url = way.path;
    this.#underWay.set(req, {
      way,
      web: way,
      request: undefined,
      readBefore: 0,
      answered: false,
      answer: undefined,
      repeated: false,
    });
    void this.#proxy.web(req, res, { target: target(way.endpoint), agent: way.agent }).catch(() => {});
  }

  /** Hands the handshake on; a refusal goes back whole, and after a 101 bytes flow both ways. */
  upgrade(req: IncomingMessage, socket: Socket, head: Buffer, way: UpgradeForwarding): void {
    replace(req, way.headers);
    req.url = way.path;
    this.#underWay.set(req, {
      way,
      web: undefined,
      request: undefined,
      readBefore: 0,
      answered: false,
      answer: undefined,
      repeated: false,
    });
    const options = { target: target(way.endpoint), agent: false, upgradeTimeout: TIMEOUTS.handshakeAnswer };
    void this.#proxy.ws(req, socket, options, head).catch(() => {});
  }

  /** The same for a WebSocket over HTTP/2, whose stream this is. */
  extended(stream: ServerHttp2Stream, way: UpgradeForwarding): void {
    openExtended(stream, way, this.#dialling);
  }

  #sent(outgoing: ClientRequest, req: WebRequest): void {
    const under = this.#underWay.get(req);
    if (!under) return;
    under.request = outgoing;
    under.readBefore = outgoing.socket?.bytesRead ?? 0;
    // Node shows a body that was cut off as one that has ended; the backend must not take it for whole.
    if (req instanceof Http2ServerRequest)
      req.stream
        .once('aborted', () => outgoing.destroy())
        .once('close', () => {
          if (!outgoing.writableFinished) outgoing.destroy();
        });
    watchDial(outgoing, this.#dialling, () => under.way.reached());
    under.way.access?.follow(outgoing);
    boundInterim(outgoing);
    // Nobody asked to switch protocols.
    outgoing.once('upgrade', (_answer, socket) => {
      socket.destroy();
      if (!under.answered) under.way.failed(new Error('the backend answered 101 to a plain request'));
    });
  }

  #handshakeSent(outgoing: ClientRequest, req: WebRequest, client: Socket): void {
    const under = this.#underWay.get(req);
    if (!under) return;
    const { way } = under;
    const stopWatching = watchClose(client, () => client.destroy());
    outgoing.once('error', stopWatching);
    boundInterim(outgoing);
    const refuse = (objection: string) => {
      way.failed(new Error(objection));
      outgoing.destroy();
    };
    outgoing.once('socket', () => {
      watchDial(outgoing, this.#dialling, () => way.reached());
      way.access?.follow(outgoing);
      guardSwitch(outgoing, (answer, upstream) => {
        stopWatching();
        under.answered = true;
        const objection = objectionToSwitch(answer);
        if (objection !== undefined) {
          upstream.destroy();
          refuse(objection);
          return false;
        }
        replace(answer, withoutIdleLength(way.answerHeaders(answer.headers, true), 101));
        // httpxy writes the head as text, and what is in it was read as single bytes.
        client.setDefaultEncoding('latin1');
        way.answered(101);
        process.nextTick(() => (way as UpgradeForwarding).upgraded(upstream));
        return true;
      });
    });
    outgoing.once('response', (answer) => {
      stopWatching();
      under.answered = true;
      const late = outgoing.destroyed ? 'the answer came too late' : undefined;
      const objection = late ?? objectionTo(answer);
      if (objection !== undefined) return refuse(objection);
      linger(client);
      const coding = answer.headers['transfer-encoding'];
      replace(answer, way.answerHeaders(answer.headers, false));
      // httpxy frames the body again by this.
      if (coding !== undefined) answer.headers['transfer-encoding'] = coding;
      answer.httpVersion = '1.1';
      way.answered(answer.statusCode ?? 0);
    });
  }

  #answered(answer: IncomingMessage, req: WebRequest, res: WebResponse): void {
    const under = this.#underWay.get(req);
    if (!under) return;
    under.answered = true;
    // It may come with what its request failed over.
    const late = under.request?.destroyed ? 'the answer came too late' : undefined;
    const objection = late ?? objectionTo(answer);
    if (objection !== undefined) {
      // httpxy hands on nothing where an answer is complete, nor what is wrong where nobody takes one.
      under.way.failed(new Error(objection));
      answer.statusCode = 502;
      replace(answer, {});
      under.request?.destroy();
      return;
    }
    // HTTP/1 carries what is above 599, and Node's HTTP/2 throws.
    if (Number(answer.statusCode) > 599 && req.httpVersionMajor > 1) answer.statusCode = 502;
    const status = answer.statusCode ?? 0;
    const keepAlive = answer.headers['keep-alive'];
    replace(
      answer,
      withoutIdleLength(under.way.answerHeaders(answer.headers, false), status, req.httpVersionMajor),
    );
    letAgentRead(answer, keepAlive);
    under.answer = answer;
    if (req.httpVersionMajor === 1 && under.web?.closing()) answer.headers.connection = 'close';
    under.way.answered(status);
    endUnread(req, res);
    // A head whose body comes later must not wait for it.
    setImmediate(() => sendHead(res));
    answer.once('close', () => {
      if (answer.complete) return;
      under.way.access?.broke();
      breakOff(res);
    });
  }

  #failed(error: Error, req: WebRequest | undefined, to: WebResponse | Socket | undefined): void {
    const under = req && this.#underWay.get(req);
    if (!under) return;
    const res = to && 'headersSent' in to ? to : undefined;
    const { web, request } = under;
    // A backend that has begun to answer was not too late: its answer is bad.
    const silent = request?.socket?.bytesRead === under.readBefore;
    const stale = request?.reusedSocket === true && silent && !under.answered && !under.repeated;
    if (web?.repeatable && stale && res && !isGone(res)) {
      under.repeated = true;
      const options = { target: target(web.endpoint), agent: false, buffer: Readable.from([]) };
      void this.#proxy.web(req, res, options).catch(() => {});
      return;
    }
    // Node takes a body that only the close ends for whole, whatever the connection died of.
    if (res && under.answer?.complete === false) breakOff(res);
    under.way.failed(error);
  }
}

function target({ host, port }: Endpoint) {
  return { protocol: 'http:', host, port };
}

/**
 * In place for HTTP/2's requests, which have no other way; their pseudo-headers stay, since method and path are read from
 * them. What is deleted from makes every later look-up slow, so that HTTP/1's messages get theirs whole.
 */
function replace(message: WebRequest, wanted: IncomingHttpHeaders | OutgoingHttpHeaders): void {
  if (message instanceof IncomingMessage) {
    message.headers = wanted as IncomingHttpHeaders;
    return;
  }
  const present = message.headers;
  for (const name of Object.keys(present)) if (!name.startsWith(':')) delete present[name];
  for (const [name, value] of Object.entries(wanted))
    if (!name.startsWith(':')) Object.assign(present, { [name]: value });
}

/**
 * httpxy joins the client to whatever the backend switched to: it hears of a switch only where `accept` says so. To be called
 * once httpxy listens.
 */
function guardSwitch(
  outgoing: ClientRequest,
  accept: (answer: IncomingMessage, upstream: Socket) => boolean,
): void {
  const joins = outgoing.listeners('upgrade');
  outgoing.removeAllListeners('upgrade');
  outgoing.once('upgrade', (answer, upstream, early) => {
    if (accept(answer, upstream as Socket))
      for (const join of joins) join.call(outgoing, answer, upstream, early);
  });
}
