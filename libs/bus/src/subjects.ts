import {
  ActivityReport,
  BackendChanged,
  BackendLog,
  BackendStats,
  DroneHeartbeat,
  DroneQueue,
  LookRequest,
  SettleReply,
  SettleRequest,
} from '@spawner/proto/internal/telemetry';

/** The codec that ts-proto generates for a message. */
export interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** A family of subjects `spawner.<noun>.<id>.<fact>` and the type of its messages. */
export interface Subject<T> {
  of(id: string): string;
  /** Matches every id. */
  readonly all: string;
  readonly codec: Codec<T>;
}

/** A subject whose messages are questions. */
export interface Question<T, R> extends Subject<T> {
  readonly reply: Codec<R>;
}

/** Everything that travels over NATS. All of it may be lost; facts that must arrive use gRPC. */
export const SUBJECTS = {
  /** From the scheduler: a copy of a backend's record after a change. */
  backendState: subject('backend', 'state', BackendChanged),
  /** From an agent with SPAWNER_AGENT_LOGS_ON_BUS: one line that the program wrote. */
  backendLog: subject('backend', 'log', BackendLog),
  /** From the agent, every 5 s while the program runs. */
  backendStats: subject('backend', 'stats', BackendStats),
  /** From a proxy that could not connect: asks the agent to inspect the backend. */
  backendLook: subject('backend', 'look', LookRequest),
  /** From the agent, every 2 s. */
  droneHeartbeat: subject('drone', 'heartbeat', DroneHeartbeat),
  /** From the agent, once a second while starts wait: their order. */
  droneQueue: subject('drone', 'queue', DroneQueue),
  /** From each proxy to each drone whose backends are in use, once a second. */
  activity: subject('drone', 'activity', ActivityReport),
  /** From an agent to each proxy, before an idle shutdown. */
  settle: question('proxy', 'settle', SettleRequest, SettleReply),
} as const;

function subject<T>(noun: string, fact: string, codec: Codec<T>): Subject<T> {
  return {
    of: (id) => `spawner.${noun}.${escapeToken(id)}.${fact}`,
    all: `spawner.${noun}.*.${fact}`,
    codec,
  };
}

function question<T, R>(noun: string, fact: string, codec: Codec<T>, reply: Codec<R>): Question<T, R> {
  return { ...subject(noun, fact, codec), reply };
}

/** A token of a subject from any text. Characters that mean something to NATS are percent-encoded. */
function escapeToken(text: string): string {
  return encodeURIComponent(text).replaceAll('.', '%2E').replaceAll('*', '%2A') || '%';
}
