/** Fields that every JSON answer has, also where they are their type's default. */
export const ALWAYS: ReadonlySet<string> = new Set([
  'spawner.v1.Activity.idle_for_ms',
  'spawner.v1.Activity.open_connections',
  'spawner.v1.Backend.id',
  'spawner.v1.Backend.idle_timeout_ms',
  'spawner.v1.Backend.revision',
  'spawner.v1.Backend.state',
  'spawner.v1.Backend.url',
  'spawner.v1.Drone.heartbeat_age_ms',
  'spawner.v1.Drone.id',
  'spawner.v1.Drone.state',
  'spawner.v1.LifeEvent.state',
  'spawner.v1.ListBackendsResponse.backends',
  'spawner.v1.ListDronesResponse.drones',
  'spawner.v1.ForgetDroneResponse.endedIds',
  'spawner.v1.SpawnBackendResponse.spawned',
  'spawner.v1.TailLogsResponse.text',
]);
