import { DEADLINES } from '@spawner/domain';

/**
 * Every duration of the edge, in milliseconds, for both transports, with its reason. Operators' settings are in config.ts;
 * durations that other services must agree on are in DEADLINES. timeouts.test.ts asserts the orders stated here.
 */
export const TIMEOUTS = {
  /**
   * A client's HTTP/1 connection without a request. Longer than the 60 s after which common load balancers close, so that
   * the other side closes first and no request meets a closing connection. `Keep-Alive` announces it.
   */
  clientIdle: 75_000,
  /** A client's HTTP/2 session without a stream. Longer than `clientIdle`: a session costs more to reopen. */
  http2Idle: 120_000,
  /** A client connection that the proxy has ended is cut if the client has not ended it by then. */
  clientLinger: 5_000,
  /** The same for a WebSocket whose one side has ended. Longer than `clientLinger`: the last messages may be large. */
  tunnelLinger: 10_000,
  /** Head timeouts on Node's servers are checked this often, or as often as the head timeout if that is shorter. */
  headCheck: 10_000,
  /** HTTP/2 streams are looked at this often for bytes that no backend takes. */
  unreadLook: 250,
  /** The raw transport looks this often for connections that exceeded a limit of time. */
  sweep: 1_000,

  /** A kept connection to a backend. Shorter than the 5 s of Node's own servers, so that few are reused while they close. */
  upstreamIdle: 4_000,
  /** Subtracted from the `Keep-Alive: timeout` that a backend announces, for the request's own way. */
  upstreamIdleMargin: 1_000,
  /** From the head of a WebSocket handshake to the backend's answer. It is an open request until then, so it must end. */
  handshakeAnswer: 60_000,

  /** A request whose backend waits for its image or its start is held no longer than this. No hold timeout may be longer. */
  queueHold: 600_000,
  /** A browser navigation is held this long before it gets a page that waits in its place. */
  navigationHold: 1_000,
  /** `Retry-After` is at most this, however long the queue is expected to be. */
  retryAfter: 60_000,
  /** How long a token that the store has confirmed may take to appear in the route table. */
  tokenNews: 500,
  /** A stream of a backend's states to a waiting page; the browser opens it again. */
  stateEvents: 60_000,
  /** Between two attempts to take a suspension back. Several fit into the agent's wait. */
  settleRetry: 500,
  /** An agent that did not answer is not asked again for this long. */
  verifyRetry: 1_000,
  /** A confirmed address is confirmed again after this long, so that two attempts may fail before it expires. */
  verifyAgain: DEADLINES.verified / 3,
  /** Requests for one host are counted over this window. */
  rateWindow: 1_000,
  /** The log has a backend's answers that cannot be forwarded at most this often. */
  complainEvery: 60_000,
  /** An agent is asked at most this often to look at one backend. */
  lookEvery: 1_000,

  /** Redis, NATS and the scheduler may take this long before a proxy with a snapshot serves without them. */
  aloneAfter: 3_000,
  /** Reserved from the drain time of a proxy, for what closes after its listeners. */
  drainClosing: 1_000,
  /** Reserved from the drain time of a worker, for the supervisor that waits for it. Shorter than `drainClosing`. */
  drainSupervisor: 500,
  /** Reserved from the drain time of a supervisor, to kill workers that have not ended. Shorter than `drainSupervisor`. */
  drainKilling: 100,
} as const;

/** The value of `Keep-Alive` in an HTTP/1 response. */
export const KEEP_ALIVE = `timeout=${TIMEOUTS.clientIdle / 1_000}`;

/** Counts and sizes that bound the same things, for both transports. */
export const BOUNDS = {
  /** Idle connections kept per backend. With fewer, a busy backend would be dialled for nearly every request. */
  keptUpstreams: 64,
  /** Header lines of a request that the raw transport reads itself; Node's servers take more. */
  requestLines: 100,
  /** Header lines of a response. */
  responseLines: 1_000,
  /** Interim responses (RFC 9110 §15.2) to one request. */
  interimResponses: 8,
  /** Pipelined requests of one connection that wait for their turn: with this many it is not read, and what came counts. */
  pipelinedAhead: 8,
  /** Such requests of one connection, which Node had read at once. With more it is cut. */
  pipelinedRequests: 256,
  /** Bytes of such requests of all connections of a listener. The connection that exceeds them is cut. */
  pipelinedBytes: 64 * 1_048_576,
  /** Streams of one HTTP/2 session. */
  http2Streams: 250,
  /** Bytes that a stream may send before a backend takes them, in a session whose uploads no backend has taken so far. */
  http2FirstWindow: 256 * 1_024,
  /** The same once a backend takes an upload of the session. Uploads get this much per round trip. */
  http2Window: 2 * 1_048_576,
  /** Bytes that all streams may have sent and no backend has taken: full windows of 128 streams. */
  http2Unread: 256 * 1_048_576,
  /** Mebibytes of one session's answers that wait for their client. Each stream holds up to about 128 KiB. */
  http2SessionMemory: 64,
  /** Fields of a head over HTTP/2. Browsers send each cookie in a field of its own, and keep up to 180 per site. */
  http2Fields: 2_048,
  /** A head over HTTP/2 that is larger ends its stream. A smaller one that is too large gets 431, so this is well above. */
  http2HeadBytes: 262_144,
} as const;

/**
 * TCP keep-alive of every connection: it finds a vanished peer within `within`. No two connections in a row probe in the same
 * rhythm. The kernel rounds such timers to seconds, and a network interface's queue holds 1,000 packets. Ten thousand connections
 * that probed together would lose their probes together and all be taken for dead.
 */
export const TCP_KEEP_ALIVE = {
  within: 80_000,
  /** Unanswered probes after which the connection is dead. */
  probes: 4,
  /** From the last sign of life to the first probe, and from one probe to the next: a base, and this many seconds more. */
  idle: { base: 20_000, steps: 13 },
  /** `steps` has no factor in common with that of `idle`, so that all pairs occur. */
  interval: { base: 7_000, steps: 5 },
} as const;
