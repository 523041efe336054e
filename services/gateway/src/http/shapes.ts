/** Fields of each message that every JSON answer has, also where they are their type's default. */
const FIELDS = {
  Activity: ['idle_for_ms', 'open_connections'],
  Backend: ['id', 'idle_timeout_ms', 'revision', 'state', 'url'],
  BackendClock: ['elapsed_ms', 'limit_ms', 'name'],
  CreateConnectionTokenResponse: ['expire_time', 'token', 'token_id', 'url'],
  Drone: ['heartbeat_age_ms', 'id', 'state'],
  ExplainBackendResponse: ['clocks', 'summary'],
  ForgetDroneResponse: ['ended_ids'],
  LastActivity: ['age_ms'],
  LifeEvent: ['state'],
  ListBackendsResponse: ['backends'],
  ListDronesResponse: ['drones'],
  PlacementCandidates: ['considered', 'full', 'known', 'later', 'load_permille', 'stale'],
  ProxyUse: ['heard_ago_ms', 'open_connections'],
  RevokeConnectionTokensResponse: ['count'],
  SpawnBackendResponse: ['spawned'],
  TailLogsResponse: ['text'],
};

/** The same by their full names. */
export const ALWAYS: ReadonlySet<string> = new Set(
  Object.entries(FIELDS).flatMap(([message, fields]) =>
    fields.map((field) => `spawner.v1.${message}.${field}`),
  ),
);
