/** Fixtures for tests of every kind: time, waiting, real servers on free ports, and clients that do what a test wants. */
export * from './authority.ts';
export * from './cranked-clock.ts';
export * from './docker.ts';
export { askDocker } from './docker-api.ts';
export * from './docker-daemon.ts';
export * from './eventually.ts';
export * from './free-port.ts';
export * from './http-request.ts';
export * from './nats.ts';
export * from './otlp.ts';
export * from './pebble.ts';
export * from './program.ts';
export * from './raw-http.ts';
export * from './redis.ts';
export * from './relay.ts';
export * from './temp-dir.ts';
export * from './upstream.ts';
