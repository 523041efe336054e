/** The shapes of the HTTP API, as its JSON has them. Instants are ISO 8601 texts; durations are milliseconds. */

export type BackendState =
  | 'SCHEDULED'
  | 'LOADING'
  | 'STARTING'
  | 'WAITING'
  | 'READY'
  | 'TERMINATING'
  | 'TERMINATED';

/** PUBLIC: whoever knows the address. TOKEN: only with a connection token besides. */
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

/** What to run and for how long. Only the image is needed. */
export interface BackendSpec {
  image: string;
  pullPolicy?: 'ALWAYS' | 'IF_NOT_PRESENT' | 'NEVER';
  credentials?: { username?: string; password?: string; identityToken?: string };
  /** Instead of the image's entry point. */
  command?: readonly string[];
  /** Instead of the image's arguments. */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Where the program listens; default 8080. Given to it as PORT. */
  port?: number;
  labels?: Readonly<Record<string, string>>;
  resources?: { cpuMillis?: number; memoryBytes?: number; pids?: number };
  /** Default: a TCP connection to the port. */
  readiness?: { httpPath?: string };
  stopSignal?: string;
  stopGraceMs?: number;
  pullTimeoutMs?: number;
  startupTimeoutMs?: number;
  /** Without a connection for this long it is ended; default 300,000; 0 is never. */
  idleTimeoutMs?: number;
  /** From ready to its end at the latest; 0, the default, is no limit. */
  lifetimeLimitMs?: number;
  /**
   * What becomes of it when its drone cannot renew its lease in time. STOP, the default with a key: it ends before
   * its key can be given to another. CONTINUE, the default without: it goes on, and its key stays with it.
   */
  onLeaseLoss?: 'STOP' | 'CONTINUE';
  /** Whether a connection token is needed besides the address; default PUBLIC. */
  access?: Access;
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
  /** Absent while it is in use, or when it never ends for idleness. */
  idleRemainingMs?: number;
}

export interface Backend {
  id: string;
  state: BackendState;
  /** Grows with every change. */
  revision: number;
  /** Where browsers reach it. */
  url: string;
  droneId?: string;
  image?: string;
  labels?: Record<string, string>;
  idleTimeoutMs: number;
  lifetimeLimitMs?: number;
  createTime?: string;
  readyTime?: string;
  endTime?: string;
  endReason?: EndReason;
  endDetail?: string;
  exitCode?: number;
  outOfMemory?: boolean;
  lastLogs?: string[];
  events?: LifeEvent[];
  activity?: Activity;
  key?: BackendKey;
  /** Greater than that of every holder of the key before; the program has it as SPAWNER_FENCE. */
  fence?: number;
  /** Its drone has not renewed its lease for a while; it may be running all the same. */
  unreachable?: boolean;
  access?: Access;
}

/** Lets its bearer in to one backend. */
export interface ConnectionToken {
  /** Told only once: nothing but a hash of it is stored. */
  token: string;
  /** The backend's address with the token in it: a browser that opens it gets a cookie in exchange. */
  url: string;
  expireTime: string;
  /** Names the token and gives no access. */
  tokenId: string;
}

/** Why a backend is alive or why it ended, and why it is where it is. */
export interface Explanation {
  /** Its events are the steps of its life. */
  backend: Backend;
  /** One or two sentences for people. */
  summary: string;
  clocks: BackendClock[];
  placement?: PlacementFacts;
  /** What each proxy last said. */
  proxies?: { proxyId: string; openConnections: number; heardAgoMs: number }[];
  /** The last use that a proxy told of; 0 while it lasts. */
  lastActivity?: { proxyId: string; ageMs: number; kind?: 'HTTP' | 'UPGRADE'; path?: string };
  /** Ends for idleness that were begun and not made: the last five, oldest first. */
  refusedEnds?: { cause: string; time: string; times: number }[];
  /** What could not be found out. */
  missing?: string;
}

/** One of the clocks that can end a backend. */
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
  candidates?: { known: number; considered: number; stale: number; full: number; loadPermille: number };
  summary?: string;
}

/** The name of what a backend is for. At most one backend holds `(namespace, name)`. */
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
}

export interface ListFilter {
  states?: readonly BackendState[];
  droneId?: string;
  labels?: Readonly<Record<string, string>>;
  /** Backends asked for at once, 1 to 1000. */
  pageSize?: number;
}
