import { type Forward, REPEATABLE } from '../../edge/request.ts';
import { OTHER_PROTOCOL, objectionToSwitch, reachableLocation } from '../../edge/response-rules.ts';
import type { RestartHold } from '../../routing/restart-hold.ts';
import { KEEP_ALIVE, TIMEOUTS } from '../../timeouts.ts';
import type { RawConnection } from './connection.ts';
import { HeadReader } from './head-reader.ts';
import type { RawRequest } from './request-parser.ts';
import { ResponseBody } from './response-body.ts';
import { type RawResponse, withLocation } from './response-parser.ts';
import type { RawTransport } from './transport.ts';
import type { Upstream, UpstreamUser } from './upstream.ts';

/**
 * One request on its way to the backend, and the response on its way back. The phases, in order:
 * - `dialing`: the upstream is connecting, or its program restarts. The client has got nothing.
 * - `waiting`: the upstream has the request. If a kept connection was dead, the request is dialing again, once.
 * - `responding`: the head and part of the body have been written to the client.
 * - `complete`: the upstream is released or gone. The last bytes wait to be written.
 * - `switched`: a tunnel owns both connections. Final.
 * - `over`: nothing is left. Final; the client may leave in any phase before.
 *
 * A backend that fails before `responding` becomes a 502, and the exchange is `complete`. Later, the client is cut. The request's
 * body may still be uploading until `over`.
 */
type Phase = 'dialing' | 'waiting' | 'responding' | 'complete' | 'switched' | 'over';

const SHORT_BYTES = 8_192;
const NOTHING = Buffer.alloc(0);
const SWITCH = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const KEEP = `Connection: keep-alive\r\nKeep-Alive: ${KEEP_ALIVE}\r\n\r\n`;
const CLOSE = 'Connection: close\r\n\r\n';

export class RawExchange implements UpstreamUser {
  readonly request: RawRequest;
  readonly decision: Forward;
  /** The backend has taken a connection of this request, so it may have done what was asked. */
  reached = false;
  readonly #owner: RawTransport;
  readonly #client: RawConnection;
  /** The bytes that the backend gets before the body. */
  readonly #head: string;
  readonly #reader: HeadReader;
  phase: Phase = 'dialing';
  #upstream: Upstream | undefined;
  #uploadLeft: number;
  #repeated = false;
  #refused = false;
  /** From `responding` on. */
  #body: ResponseBody | undefined;
  /** From `responding` on: whether the upstream, and the client's connection, can carry another request; and for how long. */
  #reusable = true;
  #keptMs = 0;
  #keep = true;
  /** From the first refused connection on, if the request waits for its backend. */
  #restart: RestartHold | undefined;
  /** Until a handshake is answered. */
  #late: NodeJS.Timeout | undefined;

  constructor(owner: RawTransport, client: RawConnection, request: RawRequest, decision: Forward) {
    this.#owner = owner;
    this.#client = client;
    this.request = request;
    this.decision = decision;
    this.#uploadLeft = request.length;
    const { clusterDomain, maxAnswerHeaderBytes: maxBytes } = owner.options;
    this.#reader = new HeadReader({ toHead: request.method === 'HEAD', clusterDomain, maxBytes });
    this.#head = `${request.lines}${request.upgrade ? SWITCH : ''}${request.added}\r\n`;
  }

  /** Sends the head and what has come of the body. Returns the offset behind it. */
  begin(bytes: Buffer, from: number): number {
    const { upgrade, length } = this.request;
    const to = Math.min(bytes.length, from + length);
    this.#uploadLeft -= to - from;
    const upstream = this.#connect(!upgrade);
    if (upstream.reused) this.taken();
    if (upgrade) this.#late = setTimeout(() => upstream.destroy(), TIMEOUTS.handshakeAnswer);
    if (!this.#send(upstream, bytes, from, to) && this.uploading) this.#client.connection.pause();
    return to;
  }

  /** Takes the next bytes from the client. Returns how many of them belong to the body. */
  upload(chunk: Buffer): number {
    const taken = Math.min(chunk.length, this.#uploadLeft);
    this.#uploadLeft -= taken;
    const part = taken === chunk.length ? chunk : chunk.subarray(0, taken);
    if (!this.#upstream?.socket.write(part) && this.uploading) this.#client.connection.pause();
    return taken;
  }

  get uploading(): boolean {
    return this.#uploadLeft > 0;
  }

  /** The backend's port was closed at the last attempt. */
  get refused(): boolean {
    return this.#refused && this.phase === 'dialing';
  }

  /** Part of a response has been written. */
  get responding(): boolean {
    return this.#body !== undefined;
  }

  /** The client has left. */
  abandon(): void {
    if (this.phase === 'over' || this.phase === 'switched') return;
    this.#upstream?.drop();
    this.#restart?.leave();
    this.#end(false);
  }

  taken(): void {
    this.phase = 'waiting';
    this.reached = true;
    this.decision.active.reached(this.request.upgrade, this.request.path);
  }

  drained(): void {
    this.#client.resume();
  }

  bytes(bytes: Buffer, length: number): void {
    const body = this.#body;
    if (!body) {
      this.#readHead(bytes, length);
      return;
    }
    const crosses = body.done ? 0 : body.take(bytes, 0, length);
    if (body.bad) this.#fail();
    else this.#forward(body, '', bytes, 0, crosses, length);
  }

  ended(): void {
    if (this.#body?.endsWithConnection) this.#complete('', NOTHING, 0, 0);
    else this.#upstream?.destroy();
  }

  lost(): void {
    const { length, method, upgrade } = this.request;
    const isSilent = !this.#body && !this.#reader.begun;
    const mayRepeat = length === 0 && !upgrade && REPEATABLE.has(method) && !this.#repeated;
    if (isSilent && mayRepeat && this.#upstream?.reused) {
      this.#repeated = true;
      this.phase = 'dialing';
      this.#send(this.#connect(false), NOTHING, 0, 0);
    } else if (this.#upstream?.refused && this.phase === 'dialing') void this.#dialAgain();
    else this.#fail();
  }

  /** The port is closed, so nothing was sent. A request that may wait is dialled again after a pause. */
  async #dialAgain(): Promise<void> {
    const { policy } = this.#owner.parts;
    this.#upstream = undefined;
    this.#refused = true;
    this.#restart ??= policy.restartHold(this.request, this.decision, this.request.length > 0);
    const again = this.#restart !== undefined && (await this.#restart.pause());
    if (this.phase !== 'dialing') return;
    if (again) this.#send(this.#connect(false), NOTHING, 0, 0);
    else this.#fail();
  }

  /** A kept connection if there is one and `mayReuse`, or a new one. */
  #connect(mayReuse: boolean): Upstream {
    const { backendId = '', access } = this.request;
    const { endpoint } = this.decision;
    const { upstreams } = this.#owner.parts;
    const upstream = mayReuse
      ? upstreams.acquire(backendId, endpoint, this)
      : upstreams.open(backendId, endpoint, this);
    this.#upstream = upstream;
    access?.uses(upstream.socket);
    return upstream;
  }

  #send({ socket }: Upstream, bytes: Buffer, from: number, to: number): boolean {
    if (to === from) return socket.write(this.#head, 'latin1');
    if (to - from <= SHORT_BYTES)
      return socket.write(this.#head + bytes.toString('latin1', from, to), 'latin1');
    socket.cork();
    socket.write(this.#head, 'latin1');
    const hasRoom = socket.write(bytes.subarray(from, to));
    socket.uncork();
    return hasRoom;
  }

  #readHead(bytes: Buffer, length: number): void {
    const reader = this.#reader;
    if (!this.#upstream) return;
    const response = reader.read(bytes, length, this.#upstream.responses);
    if (response === 'incomplete') return;
    if ('objection' in response) this.#fail(response.objection);
    else if (response.status === 101) this.#switch(response, reader.rest.subarray(reader.from, reader.to));
    else this.#respond(response, reader.rest, reader.from, reader.to);
  }

  #switch(response: RawResponse, rest: Buffer): void {
    const upstream = this.#upstream;
    const { upgrade, access } = this.request;
    const objection = upgrade && response.upgrades ? objectionToSwitch(response) : OTHER_PROTOCOL;
    if (objection !== undefined || !upstream) {
      this.#fail(objection);
      return;
    }
    clearTimeout(this.#late);
    this.phase = 'switched';
    this.#owner.answered(101, true);
    access?.answered(101, true);
    this.#client.switched(this, `${response.text}${SWITCH}\r\n`, upstream, rest);
  }

  #respond(response: RawResponse, bytes: Buffer, from: number, to: number): void {
    const { upgrade, access } = this.request;
    clearTimeout(this.#late);
    const body = new ResponseBody(response.body, response.length);
    const crosses = body.done ? from : body.take(bytes, from, to);
    if (body.bad) {
      this.#fail('its chunks are malformed');
      return;
    }
    this.#body = body;
    this.phase = 'responding';
    this.#reusable = !response.close && !upgrade;
    this.#keptMs = response.keptMs;
    this.#keep = this.#mayKeep() && !body.endsWithConnection;
    this.#owner.answered(response.status, upgrade);
    access?.answered(response.status, false);
    const date = response.dated ? '' : dateLine(this.#owner.parts.clock.wall());
    this.#forward(
      body,
      `${this.#textOf(response)}${date}${this.#keep ? KEEP : CLOSE}`,
      bytes,
      from,
      crosses,
      to,
    );
  }

  /** Status line and header lines. The parsed response may be remembered, so only this copy gets another `Location`. */
  #textOf({ text, location }: RawResponse): string {
    if (location === undefined) return text;
    const reachable = reachableLocation(location, this.request, this.decision.ownPort);
    return reachable === location ? text : withLocation(text, reachable);
  }

  /** Writes the head and the bytes that cross. The backend's bytes end at `to`. */
  #forward(body: ResponseBody, head: string, bytes: Buffer, from: number, crosses: number, to: number): void {
    const { writer } = this.#client;
    if (!body.done) {
      writer.send(head, bytes, from, crosses);
      if (this.#upstream) writer.restrain(this.#upstream.socket);
      return;
    }
    // Bytes behind the body belong to no request.
    if (body.end < to && to > from) this.#reusable = false;
    this.#complete(head, bytes, from, crosses);
  }

  #complete(head: string, bytes: Buffer, from: number, to: number): void {
    const { writer } = this.#client;
    const upstream = this.#upstream;
    this.phase = 'complete';
    this.#upstream = undefined;
    this.request.access?.leaves();
    if (upstream && this.#reusable && !this.uploading && !writer.restrains) {
      this.#owner.parts.upstreams.release(this.request.backendId ?? '', upstream, this.#keptMs);
    } else upstream?.drop();
    const gone = () => {
      if (this.phase !== 'complete') return;
      this.#end();
      this.#client.over(this.#keep && !this.uploading);
    };
    if (!this.#body?.owesEnd) writer.sendLast(head, bytes, from, to, gone);
    else {
      writer.send(head, bytes, from, to);
      writer.sendLast('\r\n', NOTHING, 0, 0, gone);
    }
  }

  /** `objection`: the backend has answered, but not as a client could read it. */
  #fail(objection?: string): void {
    this.#upstream?.drop();
    this.#upstream = undefined;
    if (this.#body) {
      this.request.access?.broke();
      this.#end();
      this.#client.cut(this.#body.endsWithConnection);
      return;
    }
    this.#keep = this.#mayKeep() && !this.uploading;
    this.#body = new ResponseBody('none');
    this.#complete(this.#owner.failure(this, this.#keep, objection), NOTHING, 0, 0);
  }

  #mayKeep(): boolean {
    return !this.request.close && !this.request.upgrade && !this.#owner.parts.sessions.draining;
  }

  /** Ends the exchange, for the backend's idle clock too. */
  #end(isWhole = true): void {
    clearTimeout(this.#late);
    this.phase = 'over';
    const { active } = this.decision;
    if (this.reached) active.end(this.#owner.parts.clock.now());
    else active.neverReached();
    this.request.access?.end(isWhole);
  }
}

let dateSecond = 0;
let dateText = '';

/** The `Date` of a response that has none (RFC 9110 §6.6.1), as a header line. */
function dateLine(now: Date): string {
  const second = Math.floor(now.getTime() / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = `Date: ${now.toUTCString()}\r\n`;
  }
  return dateText;
}
