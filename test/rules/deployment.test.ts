/** Dockerfile and compose.yaml held against the services; test/compose brings them up for real. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PORT_RULES } from '../../deploy/local/settings/ports.ts';
import { SERVICES, type ServiceName } from '../../deploy/local/settings/services.ts';
import { knownVariables, problemsOf } from './known-variables.ts';

interface Service {
  image: string;
  profiles: string[];
  build?: { context: string; dockerfile: string; target: string };
  environment?: Record<string, string | null>;
}

const root = join(__dirname, '../..');
const { services } = parse(readFileSync(join(root, 'deploy/compose/compose.yaml'), 'utf8'), {
  merge: true,
}) as { services: Record<string, Service> };
const dockerfile = readFileSync(join(root, 'deploy/docker/Dockerfile'), 'utf8');

/** The part of the Dockerfile from `FROM … AS name` to the next stage. */
const stage = (name: string) =>
  dockerfile.split(/^FROM /m).find((part) => part.split('\n')[0]!.endsWith(` AS ${name}`)) ?? '';

/** With nothing set in the shell. */
const plain = (environment: Service['environment'] = {}) =>
  Object.fromEntries(
    Object.entries(environment)
      .filter((entry): entry is [string, string] => entry[1] !== null)
      .map(([name, value]) => [name, value.replace(/^\$\{\w+:-(.*)\}$/, '$1')]),
  );

describe.each(SERVICES)('the deployment of %s', (service: ServiceName) => {
  const described = services[service]!;

  it('has a target of the Dockerfile that starts it and says when it is ready', () => {
    const usual = PORT_RULES.find(
      ({ variable }) => variable === `SPAWNER_${service.toUpperCase()}_ADMIN_PORT`,
    )!.usual;
    expect(stage(service)).toContain(`CMD ["node", "services/${service}/src/main.ts"]`);
    expect(stage(service)).toContain(`CMD ["node", "ready.mjs", "${service.toUpperCase()}", "${usual}"]`);
    const exposed = /^EXPOSE (.*)$/m
      .exec(stage(service))![1]!
      .split(' ')
      .map((port) => Number.parseInt(port, 10));
    const own = PORT_RULES.filter((rule) => rule.service === service).map(({ usual }) => usual);
    expect(new Set(exposed)).toEqual(new Set(own));
    const set = [...stage(service).matchAll(/^ENV (SPAWNER_\w+)=/gm)].map(([, name]) => name!);
    expect(set.filter((name) => !knownVariables(service).has(name))).toEqual([]);
  });

  it('is built from that target by compose, in a profile', () => {
    expect(described.build).toEqual({
      context: '../..',
      dockerfile: 'deploy/docker/Dockerfile',
      target: service,
    });
    expect(described.image).toBe(`spawner/${service}:latest`);
    expect(described.profiles).toEqual([['agent', 'proxy'].includes(service) ? 'drone' : 'control-plane']);
  });

  it('gets only variables that it knows, and starts with them', () => {
    const names = Object.keys(described.environment ?? {}).filter((name) => name.startsWith('SPAWNER_'));
    expect(names.filter((name) => !knownVariables(service).has(name) && !SHARED.has(name))).toEqual([]);
    expect(problemsOf(service, plain(described.environment))).toEqual([]);
  });

  it('can have its ports moved', () => {
    const own = PORT_RULES.filter((rule) => rule.service === service).map(({ variable }) => variable);
    expect(Object.keys(described.environment ?? {})).toEqual(expect.arrayContaining(own));
  });
});

/** Every service may be told these; not all of them need each. */
const SHARED = new Set(['SPAWNER_REDIS_URL', 'SPAWNER_NATS_URL']);

it('compose has Redis, NATS and Jaeger beside the services', () => {
  const others = Object.keys(services).filter((name) => !SERVICES.some((service) => service === name));
  expect(others.toSorted()).toEqual(['jaeger', 'nats', 'redis']);
});
