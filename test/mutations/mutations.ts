/**
 * Deliberate faults of the product, each of which a test has to catch. `npm run mutants` tries them in a copy of the
 * tree; test/mutations/mutations.test.ts checks that each text still exists exactly once.
 */
export interface Mutation {
  /** The fault in a few words. */
  name: string;
  file: string;
  from: string;
  to: string;
  /** The test file that catches it, and its project in jest.config.mjs. */
  test: string;
  project: string;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'the scheduler takes no inventory over 4 MiB',
    file: 'services/scheduler/src/scheduler.ts',
    from: ', maxMessageBytes: LARGEST_MESSAGE }',
    to: ' }',
    test: 'test/integration/scheduler-large-records.test.ts',
    project: 'integration',
  },
  {
    name: 'a proxy rests 300 ms between two looks at its routes',
    file: 'libs/store/src/route-table.ts',
    from: 'const REST_MS = 5;',
    to: 'const REST_MS = 300;',
    test: 'libs/store/src/route-table.test.ts',
    project: 'unit',
  },
  {
    name: 'an address is handed on at once',
    file: 'services/agent/src/network/addresses.ts',
    from: 'this.#clock.now(), DEADLINES.addressRest)',
    to: 'this.#clock.now(), 0)',
    test: 'services/agent/src/runtime/docker/docker-runtime.test.ts',
    project: 'unit',
  },
  {
    name: 'a vanished idle peer is found after an hour',
    file: 'services/proxy/src/transports/tcp-keepalive.ts',
    from: 'socket.setKeepAlive(true, idleMs, intervalMs, probes);',
    to: 'socket.setKeepAlive(true, idleMs, intervalMs, 100 * probes);',
    test: 'services/proxy/src/transports/tcp-keepalive.test.ts',
    project: 'unit',
  },
  {
    name: 'a journal entry is written in place',
    file: 'services/agent/src/state/state-dir.ts',
    from: 'replaceFileSync(join(this.path, name), text, options, this.#fs);',
    to: 'writeFileSync(join(this.path, name), text, { mode: 0o600 });',
    test: 'services/agent/src/state/state-dir.test.ts',
    project: 'unit',
  },
  {
    name: 'a placement considers 32 drones alone',
    file: 'libs/store/src/lua/place.lua',
    from: 'for from = 0, MOST - PAGE, PAGE do',
    to: 'for from = 0, 0, PAGE do',
    test: 'test/integration/placement-candidates.test.ts',
    project: 'integration',
  },
  {
    name: 'a service gives up NATS after 300 attempts',
    file: 'libs/bus/src/bus.ts',
    from: 'maxReconnectAttempts: -1,',
    to: 'maxReconnectAttempts: 300,',
    test: 'test/integration/bus.test.ts',
    project: 'integration',
  },
  {
    name: 'an unanswered handshake keeps a session alive',
    file: 'services/proxy/src/timeouts.ts',
    from: 'handshakeAnswer: 60_000,',
    to: 'handshakeAnswer: 2_000_000_000,',
    test: 'services/proxy/src/timeouts.test.ts',
    project: 'unit',
  },
  {
    name: 'idle HTTP/2 sessions never end',
    file: 'services/proxy/src/transports/node/connection.ts',
    from: 'if (open === 0) session.close();',
    to: 'if (open < 0) session.close();',
    test: 'services/proxy/src/transports/node/connection.test.ts',
    project: 'unit',
  },
  {
    name: 'the logs of a container have no bound',
    file: 'services/agent/src/runtime/docker/container-spec.ts',
    from: "      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },\n",
    to: '',
    test: 'services/agent/src/runtime/docker/container-spec.test.ts',
    project: 'unit',
  },
];

/** The source with the fault in it; throws unless the text is there exactly once. */
export function mutated(source: string, { file, from, to }: Mutation): string {
  const count = source.split(from).length - 1;
  if (count !== 1) throw new Error(`${file} has ${JSON.stringify(from)} ${count} times, not once`);
  return source.replace(from, () => to);
}
