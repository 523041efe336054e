import { type SpecInput, specViolations } from './spec.ts';

const spec = (change: Partial<SpecInput> = {}): SpecInput => ({
  image: 'spawner/demo:latest',
  command: [],
  args: [],
  env: {},
  labels: {},
  stopSignal: '',
  ...change,
});
const fields = (change: Partial<SpecInput>) => specViolations(spec(change)).map(({ field }) => field);

describe('specViolations', () => {
  it.each([
    'alpine',
    'spawner/demo:latest',
    'registry.example.com:5000/team/app:1.2',
    `app@sha256:${'a'.repeat(64)}`,
    'Registry.Example.com/app',
    'REGISTRY:5000/app',
    'localhost/app:V1',
  ])('accepts the image %s', (image) => {
    expect(fields({ image })).toEqual([]);
  });
  it.each([
    '',
    'UPPER',
    'UPPER/x',
    'Team/app:1',
    'a b',
    'a:',
    ':latest',
    'a//b',
    '-x',
    'a\n',
    '../etc',
    'x'.repeat(600),
  ])('refuses the image %j', (image) => {
    expect(fields({ image })).toEqual(['spec.image']);
  });
  it('refuses a PORT in the environment that is not the port of the spec', () => {
    expect(fields({ env: { PORT: '3000' } })).toEqual(['spec.env.PORT']);
    expect(fields({ env: { PORT: '8080' }, port: 3_000 })).toEqual(['spec.env.PORT']);
    expect(fields({ env: { PORT: '8080' } })).toEqual([]);
    expect(fields({ env: { PORT: '3000' }, port: 3_000 })).toEqual([]);
  });
  it.each([0, 70_000, -1, 1.5, Number.NaN])('refuses the port %s', (port) => {
    expect(fields({ port })).toEqual(['spec.port']);
  });
  it.each(['/', '/ready?deep=1', '/%C3%BC'])('accepts the readiness path %s', (httpPath) => {
    expect(fields({ readiness: { httpPath } })).toEqual([]);
  });
  it.each(['x', '/a b', '/a\n', '/a#b', '/\x7f', '/ü', '/€'])('refuses the readiness path %j', (httpPath) => {
    expect(fields({ readiness: { httpPath } })).toEqual(['spec.readiness.http_path']);
  });
  it.each(['https://app.test/over?a=1#b', 'http://localhost:3000', `https://a.test/${'a'.repeat(1_009)}`])(
    'accepts the page %.40s',
    (redirectUrl) => {
      expect(fields({ pages: { redirectUrl, startAgainUrl: redirectUrl } })).toEqual([]);
    },
  );
  it.each([
    ...[
      'javascript:alert(1)',
      'ftp://app.test/',
      '/over',
      'app.test',
      'https://',
      'https://a b/',
      'https://ä/',
    ],
    ...['https://app.test/\r\nX: 1', 'https://user:pw@app.test/', `https://a.test/${'a'.repeat(1_010)}`],
  ])('refuses the page %.40j', (url) => {
    expect(fields({ pages: { redirectUrl: url, startAgainUrl: '' } })).toEqual(['spec.pages.redirect_url']);
    expect(fields({ pages: { redirectUrl: '', startAgainUrl: url } })).toEqual([
      'spec.pages.start_again_url',
    ]);
  });
  it('refuses names of environment variables with = or NUL', () => {
    expect(fields({ env: { 'A=B': '1', 'C\0': '2', OK: '3' } })).toEqual([
      'spec.env.A=B',
      'spec.env.C\\u0000',
    ]);
  });
  it('refuses negative and absurd limits', () => {
    expect(
      fields({
        idleTimeoutMs: -1,
        lifetimeLimitMs: 1e15,
        resources: { cpuMillis: -5, memoryBytes: 100, pids: 1e9 },
      }),
    ).toEqual([
      'spec.idle_timeout_ms',
      'spec.lifetime_limit_ms',
      'spec.resources.cpu_millis',
      'spec.resources.pids',
      'spec.resources.memory_bytes',
    ]);
  });
  it('names every wrong field at once', () => {
    expect(fields({ image: '', port: 0, stopSignal: 'SIGNONSENSE', readiness: { httpPath: 'x' } })).toEqual([
      'spec.image',
      'spec.port',
      'spec.stop_signal',
      'spec.readiness.http_path',
    ]);
  });
});
