/** The allowed imports between packages as one table, and the home of each third-party client. */
import { posix } from 'node:path';
import { isTest, type Source } from './sources.ts';

const BELOW_SERVICES = ['domain', 'proto', 'service', 'rpc', 'bus', 'store', 'cluster'];

const MAY_IMPORT: Record<string, string[]> = {
  domain: [],
  proto: ['domain'],
  service: ['domain', 'proto'],
  rpc: ['domain', 'proto', 'service'],
  bus: ['domain', 'proto', 'service'],
  store: ['domain', 'proto', 'service'],
  cluster: ['domain', 'proto', 'service', 'rpc'],
  client: [],
  testkit: ['domain', 'proto', 'service', 'rpc'],
};

interface Home {
  packages: RegExp;
  home: string;
  /** One file of the home knows the client; without it, the home as a whole does. */
  oneFile: boolean;
}

const HOMES: Home[] = [
  { packages: /^(@grpc\/|grpc-health-check$)/, home: 'libs/rpc', oneFile: false },
  { packages: /^(@nats-io\/|nats$)/, home: 'libs/bus', oneFile: true },
  { packages: /^(redis|@redis\/.*|ioredis)$/, home: 'libs/store', oneFile: true },
  { packages: /^pino$/, home: 'libs/service', oneFile: true },
  { packages: /^@opentelemetry\/(?!api$)/, home: 'libs/service', oneFile: false },
  { packages: /^dockerode$/, home: 'services/agent', oneFile: true },
  { packages: /^dns2$/, home: 'services/dns', oneFile: true },
  { packages: /^acme-client$/, home: 'services/certificates', oneFile: true },
  { packages: /^httpxy$/, home: 'services/proxy', oneFile: true },
];

const STATIC = /^\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]/g;

/** Every module that the source names in an import, type imports included. */
export function importsOf({ text }: Source): string[] {
  return [STATIC, DYNAMIC].flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]!));
}

/** One line for each import of this source that goes against the stream, or out of its package by a path. */
export function wrongDirections(source: Source): string[] {
  const home = packageOf(source.path);
  if (!home) return [];
  const allowed = home.startsWith('services/')
    ? BELOW_SERVICES
    : (MAY_IMPORT[home.slice('libs/'.length)] ?? []);
  const known = isTest(source) ? [...allowed, 'testkit'] : allowed;
  return importsOf(source).flatMap((specifier) => {
    const target = targetOf(source.path, specifier);
    if (!target || target === home) return [];
    if (specifier.startsWith('.')) return [`${source.path} reaches out of its package: ${specifier}`];
    if (target.startsWith('libs/') && known.includes(target.slice('libs/'.length))) return [];
    return [
      `${source.path} imports ${specifier}; ${home} may import only ${known.join(', ') || 'nothing of ours'}`,
    ];
  });
}

/** One line for each third-party client that is imported away from home, or in more than one file there. */
export function strayClients(sources: Source[]): string[] {
  const shipped = sources.filter((source) => !isTest(source) && packageOf(source.path));
  return HOMES.flatMap(({ packages, home, oneFile }) => {
    const users = shipped.filter((source) =>
      importsOf(source).some((each) => packages.test(packageName(each))),
    );
    const strays = users.filter(({ path }) => packageOf(path) !== home);
    const atHome = users.filter(({ path }) => packageOf(path) === home).map(({ path }) => path);
    const what = packages.source;
    return [
      ...strays.map(({ path }) => `${path} imports ${what}, whose home is ${home}`),
      ...(oneFile && atHome.length > 1
        ? [`${what} is imported in ${atHome.length} files: ${atHome.join(', ')}`]
        : []),
    ];
  });
}

function packageOf(path: string): string | undefined {
  return /^(?:libs|services)\/[^/]+/.exec(path)?.[0];
}

/** The package of ours that an import leads to, as a path; undefined for all others. */
function targetOf(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return packageOf(posix.join(posix.dirname(from), specifier)) ?? 'elsewhere';
  const name = /^@spawner\/([^/]+)/.exec(specifier)?.[1];
  if (!name) return undefined;
  return name in MAY_IMPORT ? `libs/${name}` : `services/${name}`;
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
