export { BackendEndedError, SpawnerError } from './errors.ts';
export type { CallOptions, SpawnerOptions } from './http.ts';
export { type LogOptions, Spawner, type SpawnOptions, type TokenOptions } from './spawner.ts';
export type * from './types.ts';
export type { WatchOptions } from './watch.ts';
