import { unsafeIntegers } from './contract.ts';
import { Backend, BackendSpec, BackendState, EndReason, PullPolicy } from './gen/spawner/v1/backend.ts';
import { SpawnBackendRequest } from './gen/spawner/v1/backend_service.ts';
import { jsonPath, readJson } from './json-read.ts';
import { jsonSchemas } from './json-schema.ts';
import { writeJson } from './json-write.ts';

const REQUEST = 'spawner.v1.SpawnBackendRequest';
const faultsOf = (value: unknown) => readJson(REQUEST, value).faults;

describe('readJson', () => {
  it('reads what is good, by JSON names and by proto names', () => {
    const { message, faults } = readJson(REQUEST, {
      spec: {
        image: 'a',
        pullPolicy: 'NEVER',
        env: { A: 'b' },
        args: ['x', 'y'],
        port: 80,
        idle_timeout_ms: 5,
        lifetimeLimitMs: '7',
        resources: { cpuMillis: 10 },
        readiness: null,
      },
    });
    expect(faults).toEqual([]);
    expect(SpawnBackendRequest.fromJSON(message).spec).toMatchObject({
      image: 'a',
      pullPolicy: PullPolicy.NEVER,
      env: { A: 'b' },
      args: ['x', 'y'],
      port: 80,
      idleTimeoutMs: 5,
      lifetimeLimitMs: 7,
      resources: { cpuMillis: 10 },
      readiness: undefined,
    });
  });
  it('takes full names of enum values too', () => {
    expect(readJson(REQUEST, { spec: { pullPolicy: 'PULL_POLICY_ALWAYS' } })).toEqual({
      message: { spec: { pullPolicy: 'PULL_POLICY_ALWAYS' } },
      faults: [],
    });
  });
  it('tells every fault at once, each with its path', () => {
    const wrong = {
      spec: {
        portt: 1,
        image: 7,
        port: '80',
        pullPolicy: 'SOMETIMES',
        env: { A: 1, B: 'fine' },
        labels: [],
        args: ['x', null, {}],
        command: 'sh',
        stopGraceMs: 1.5,
        resources: 'many',
        readiness: { httpPath: false, path: '/' },
        idleTimeoutMs: 1,
        idle_timeout_ms: 2,
      },
      extra: true,
    };
    expect(faultsOf(wrong)).toEqual([
      { field: 'spec.portt', message: 'unknown field' },
      { field: 'spec.image', message: 'must be a string, not a number' },
      { field: 'spec.port', message: 'must be a whole number, not a string' },
      { field: 'spec.pullPolicy', message: 'must be one of ALWAYS, IF_NOT_PRESENT, NEVER' },
      { field: 'spec.env.A', message: 'must be a string, not a number' },
      { field: 'spec.labels', message: 'must be an object, not an array' },
      { field: 'spec.args[1]', message: 'must be a string, not null' },
      { field: 'spec.args[2]', message: 'must be a string, not an object' },
      { field: 'spec.command', message: 'must be an array, not a string' },
      { field: 'spec.stopGraceMs', message: 'must be a whole number' },
      { field: 'spec.resources', message: 'must be an object, not a string' },
      { field: 'spec.readiness.httpPath', message: 'must be a string, not a boolean' },
      { field: 'spec.readiness.path', message: 'unknown field' },
      { field: 'spec.idle_timeout_ms', message: 'given twice, under both of its names' },
      { field: 'extra', message: 'unknown field' },
    ]);
  });
  it.each([[[]], ['text'], [7], [null], [true]])('refuses %j in place of an object', (value) => {
    expect(faultsOf(value)).toEqual([
      { field: '', message: expect.stringMatching(/^must be an object, not /) },
    ]);
  });
  it.each([2 ** 31, -(2 ** 31) - 1, 1e300])('refuses %d as a 32-bit integer', (port) => {
    expect(faultsOf({ spec: { port } })).toHaveLength(1);
  });
  it.each([2 ** 53, '9007199254740993', '99999999999999999999', '1e3', ''])(
    'refuses %j as a 64-bit integer',
    (idleTimeoutMs) => {
      expect(faultsOf({ spec: { idleTimeoutMs } })).toHaveLength(1);
    },
  );
  it('refuses names that would be lost on the way', () => {
    expect(faultsOf(JSON.parse('{"spec":{"env":{"__proto__":"x"}}}'))).toHaveLength(1);
    expect(faultsOf({ spec: { image: '\ud800' } })).toHaveLength(1);
  });
  it('tells at most a hundred faults', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`x${n}`, n]));
    expect(faultsOf(many)).toHaveLength(100);
  });
});

describe('jsonPath', () => {
  it('turns proto names into JSON names and leaves map keys alone', () => {
    expect(jsonPath(REQUEST, 'spec.resources.cpu_millis')).toBe('spec.resources.cpuMillis');
    expect(jsonPath(REQUEST, 'spec.env.MY_VAR')).toBe('spec.env.MY_VAR');
    expect(jsonPath(REQUEST, 'spec.args[2]')).toBe('spec.args[2]');
    expect(jsonPath(REQUEST, 'nothing.known')).toBe('nothing.known');
  });
});

describe('writeJson', () => {
  const backend = Backend.fromPartial({
    id: 'x',
    state: BackendState.TERMINATED,
    endReason: EndReason.EXITED,
    exitCode: 0,
    createTime: new Date(0),
    labels: { a_b: 'c' },
    events: [{ state: BackendState.SCHEDULED, revision: 1, time: new Date(1) }],
    activity: {},
  });
  it('writes bare names, ISO times, present optionals, and leaves defaults out', () => {
    expect(writeJson('spawner.v1.Backend', backend)).toEqual({
      id: 'x',
      state: 'TERMINATED',
      endReason: 'EXITED',
      exitCode: 0,
      createTime: '1970-01-01T00:00:00.000Z',
      labels: { a_b: 'c' },
      events: [{ state: 'SCHEDULED', revision: 1, time: '1970-01-01T00:00:00.001Z' }],
      activity: {},
    });
  });
  it('writes what is asked for always', () => {
    const always = new Set(['spawner.v1.Activity.open_connections', 'spawner.v1.Backend.last_logs']);
    expect(writeJson('spawner.v1.Backend', backend, always)).toMatchObject({
      lastLogs: [],
      activity: { openConnections: 0 },
    });
  });
});

describe('jsonSchemas', () => {
  it('describes a message and all that it holds', () => {
    const schemas = jsonSchemas([REQUEST], new Set(['spawner.v1.BackendSpec.image']));
    expect(Object.keys(schemas).sort()).toEqual([
      'BackendKey',
      'BackendSpec',
      'Pages',
      'Readiness',
      'RegistryCredentials',
      'ResourceLimits',
      'SpawnBackendRequest',
    ]);
    expect(schemas.BackendSpec).toMatchObject({
      type: 'object',
      required: ['image'],
      description: expect.stringContaining('The program to run, and its limits'),
      properties: {
        pullPolicy: { type: 'string', enum: ['ALWAYS', 'IF_NOT_PRESENT', 'NEVER'] },
        port: { type: 'integer', format: 'int32', description: expect.stringContaining('default 8080') },
        env: { type: 'object', additionalProperties: { type: 'string' } },
        resources: { $ref: '#/components/schemas/ResourceLimits' },
      },
    });
  });
});

describe('unsafeIntegers', () => {
  const encode = (tail: number[]) => {
    const spec = [...BackendSpec.encode(BackendSpec.fromPartial({ image: 'a' })).finish(), ...tail];
    return Uint8Array.from([0x0a, spec.length, ...spec]);
  };
  it('names the fields whose numbers JavaScript cannot hold', () => {
    // idle_timeout_ms (15) = 2^63 - 1
    expect(unsafeIntegers(REQUEST, encode([0x78, ...Array(8).fill(0xff), 0x7f]))).toEqual([
      'spec.idle_timeout_ms',
    ]);
  });
  it('names none where all is well', () => {
    expect(unsafeIntegers(REQUEST, encode([0x78, 0x05]))).toEqual([]);
  });
  it('throws at bytes that are no such message', () => {
    expect(() => unsafeIntegers(REQUEST, Uint8Array.from([0x0a, 0xff]))).toThrow();
  });
});
