/** The shapes of the HTTP API, as its JSON has them. Instants are ISO 8601 texts; durations are milliseconds. */

export type BackendState =
  | 'SCHEDULED'
  | 'LOADING'
  | 'STARTING'
  | 'WAITING'
  | 'READY'
  | 'TERMINATING'
  | 'TERMINATED';

/** PUBLIC: the address is enough. TOKEN: a connection token is required as well. */
export type Access = 'PUBLIC' | 'TOKEN';

export type EndReason =
  | 'IDLE'
  | 'LIFETIME'
  | 'REQUESTED'
  | 'EXITED'
  | 'FAILED'
  | 'LOAD_ERROR'
  | 'START_ERROR'
  | 'STARTUP_TIMEOUT'
  | 'LEASE_LOST'
  | 'DRONE_LOST'
  | 'DRAINED'
  | 'INTERNAL';

/** The program to run, and for how long. Only the image is required. */
export interface BackendSpec {
  image: string;
  pullPolicy?: 'ALWAYS' | 'IF_NOT_PRESENT' | 'NEVER';
  credentials?: { username?: string; password?: string; identityToken?: string };
  /** Replaces the image's entry point. */
  command?: readonly string[];
  /** Replaces the image's arguments. */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** The port that the program listens on; default 8080. It gets it as PORT. */
  port?: number;
  labels?: Readonly<Record<string, string>>;
  resources?: { cpuMillis?: number; memoryBytes?: number; pids?: number };
  /** Default: a TCP connection to the port. */
  readiness?: { httpPath?: string };
  stopSignal?: string;
  stopGraceMs?: number;
  pullTimeoutMs?: number;
  startupTimeoutMs?: number;
  /** Shuts it down after this long without a connection; default 300,000; 0 is never. */
  idleTimeoutMs?: number;
  /** The longest time from ready to its end; 0, the default, is no limit. */
  lifetimeLimitMs?: number;
  /**
   * The action if its drone cannot renew its lease in time. STOP, the default with a key, ends it before the key can have another
   * holder. CONTINUE, the default without a key, keeps it running, and its key with it.
   */
  onLeaseLoss?: 'STOP' | 'CONTINUE';
  /** Whether a connection token is required; default PUBLIC. */
  access?: Access;
  /** Pages of the application in the place of the edge's own. */
  pages?: Pages;
}

export interface Pages {
  /**
   * An http or https address. A browser that opens a session that is ending or has ended is redirected there, with `reason`,
   * `state` and `id` in the query.
   */
  redirectUrl?: string;
  /** A link on the edge's own page of an ended session, from which the user can start again. */
  startAgainUrl?: string;
}

export interface LifeEvent {
  state: BackendState;
  revision: number;
  time: string;
}

export interface Activity {
  /** HTTP exchanges in flight and upgraded connections. */
  openConnections: number;
  idleForMs: number;
  /** Absent while it is in use, or if it has no idle timeout. */
  idleRemainingMs?: number;
}

/** How long each step of a start took, in milliseconds. A step that is not over, or was not needed, is absent. */
export interface StepTimes {
  placeMs?: number;
  handOverMs?: number;
  pullMs?: number;
  queueMs?: number;
  sandboxMs?: number;
  createMs?: number;
  startMs?: number;
  readyMs?: number;
  firstByteMs?: number;
}

export interface Backend {
  id: string;
  state: BackendState;
  /** Grows with every change. */
  revision: number;
  /** Its address for browsers. */
  url: string;
  droneId?: string;
  image?: string;
  labels?: Record<string, string>;
  idleTimeoutMs: number;
  lifetimeLimitMs?: number;
  createTime?: string;
  readyTime?: string;
  endTime?: string;
  /** Set from the beginning of the end: a backend that is TERMINATING has it too. */
  endReason?: EndReason;
  endDetail?: string;
  exitCode?: number;
  outOfMemory?: boolean;
  lastLogs?: string[];
  events?: LifeEvent[];
  activity?: Activity;
  key?: BackendKey;
  /** Greater than the fence of every earlier holder of the key. The program gets it as SPAWNER_FENCE. */
  fence?: number;
  /** Its drone missed its renewals; the backend may still be running. */
  unreachable?: boolean;
  access?: Access;
  /** Its place among the starts that wait on its drone: 1 is next. Absent if it does not wait. */
  queuePosition?: number;
  /** Until it is expected to be ready, if it waits and its drone has measured a start. */
  expectedWaitMs?: number;
  steps?: StepTimes;
  /** The pull of its image, if it waits for one. */
  pull?: PullProgress;
}

/** How far the pull of an image is. Numbers that are 0 are absent. */
export interface PullProgress {
  layers?: number;
  layersDone?: number;
  bytes?: number;
  bytesDone?: number;
  /** 1 is the first attempt. A registry's transient failure is followed by another. */
  attempts?: number;
  /** The failure of the attempt before. */
  lastError?: string;
}

/** Gives its bearer access to one backend. */
export interface ConnectionToken {
  /** Shown only here: the store has only a hash of it. */
  token: string;
  /** The backend's address with the token. A browser that opens it gets a cookie in exchange. */
  url: string;
  expireTime: string;
  /** Names the token and gives no access. */
  tokenId: string;
}

/** Explains why a backend is alive or ended, and why it was placed on its drone. */
export interface Explanation {
  /** Its events are the steps of its life. */
  backend: Backend;
  /** A sentence or two for people. */
  summary: string;
  clocks: BackendClock[];
  placement?: PlacementFacts;
  /** The last report of each proxy. */
  proxies?: { proxyId: string; openConnections: number; heardAgoMs: number }[];
  /** The last use that a proxy reported; its age is 0 while it lasts. */
  lastActivity?: { proxyId: string; ageMs: number; kind?: 'HTTP' | 'UPGRADE'; path?: string };
  /** The last five refused idle shutdowns, oldest first. */
  refusedEnds?: { cause: string; time: string; times: number }[];
  /** The last answer of its program that a proxy could not forward. */
  unforwardableAnswer?: { objection: string; time: string };
  /** The facts that were unavailable. */
  missing?: string;
  /** The steps of its start and their times, for people. */
  startSummary?: string;
}

/** A clock that can end a backend. */
export interface BackendClock {
  name: 'IDLE' | 'LIFETIME' | 'STARTUP' | 'PULL' | 'GRACE' | 'LEASE';
  limitMs: number;
  elapsedMs: number;
  /** Absent while it is not running. */
  remainingMs?: number;
}

export interface PlacementFacts {
  droneId: string;
  time?: string;
  candidates?: {
    known: number;
    considered: number;
    stale: number;
    full: number;
    loadPermille: number;
    later: number;
    expectedWaitMs?: number;
  };
  summary?: string;
}

/** Names the purpose of a backend. At most one backend holds a pair of namespace and name. */
export interface BackendKey {
  namespace?: string;
  /** Any text of 1 to 512 bytes. */
  name: string;
  /** A holder with another tag is refused instead of returned. */
  tag?: string;
}

export interface SpawnedBackend extends Backend {
  /** Whether this call started it; false for the living holder of the key. */
  spawned: boolean;
}

export interface LogLine {
  stream?: 'STDOUT' | 'STDERR';
  time?: string;
  text: string;
  /** The backend has ended, and its record keeps the last lines alone. */
  lastOnly?: boolean;
}

export interface Capacity {
  cpuMillis?: number;
  memoryBytes?: number;
  backends?: number;
}

export interface Drone {
  id: string;
  state: 'READY' | 'UNREACHABLE';
  region?: string;
  runtime?: 'docker' | 'process';
  capacity?: Capacity;
  reserved?: Capacity;
  registerTime?: string;
  heartbeatAgeMs: number;
  /** Backends whose start waits or is under way. */
  pendingStarts?: number;
  /** Until a backend placed now is expected to be ready. */
  expectedWaitMs?: number;
}

export interface ListFilter {
  states?: readonly BackendState[];
  droneId?: string;
  labels?: Readonly<Record<string, string>>;
  /** Backends asked for at once, 1 to 1000. */
  pageSize?: number;
}
