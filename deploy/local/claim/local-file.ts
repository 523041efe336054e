/** `.spawner/local.json` describes the running constellation to other programs of the machine. */
import { join } from 'node:path';
import type { Addresses } from '../settings/environment.ts';
import { PORT_RULES, type Ports } from '../settings/ports.ts';
import { type Constellation, SERVICES } from '../settings/services.ts';
import type { Place } from './place.ts';

export interface LocalFile {
  pid: number;
  cluster: string;
  clusterDomain: string;
  droneId: string;
  runtime: string;
  dockerSocket?: string;
  demoImage: string;
  addresses: Addresses;
  redisUrl: string;
  natsUrl: string;
  services: Record<string, { pid?: number; ports: Record<string, number>; log: string }>;
  /** Redis, NATS and dockerd, if `up` started them. */
  parts: Record<string, { pid: number; log: string }>;
}

export interface LocalFacts {
  pid: number;
  place: Place;
  constellation: Constellation;
  ports: Ports;
  addresses: Addresses;
  demoImage: string;
  pids: Record<string, number>;
}

export function localFile(facts: LocalFacts): LocalFile {
  const { place, constellation, ports, pids } = facts;
  const { runtime } = constellation;
  const log = (name: string) => join(place.logs, `${name}.log`);
  const parts = Object.entries(pids).filter(([name]) => !SERVICES.some((service) => service === name));
  return {
    pid: facts.pid,
    cluster: constellation.cluster,
    clusterDomain: constellation.clusterDomain,
    droneId: constellation.droneId,
    runtime: runtime.kind,
    ...(runtime.kind === 'docker' ? { dockerSocket: runtime.socket } : {}),
    demoImage: facts.demoImage,
    addresses: facts.addresses,
    redisUrl: constellation.redisUrl,
    natsUrl: constellation.natsUrl,
    services: Object.fromEntries(
      SERVICES.map((name) => [name, { pid: pids[name], ports: portsOf(name, ports), log: log(name) }]),
    ),
    parts: Object.fromEntries(parts.map(([name, pid]) => [name, { pid, log: log(name) }])),
  };
}

/** Named as in the variables: `http`, `grpc`, `admin`, or `main` if the variable has no such part. */
function portsOf(service: string, ports: Ports): Record<string, number> {
  const rules = PORT_RULES.filter((rule) => rule.service === service);
  return Object.fromEntries(
    rules.map(({ variable }) => [
      variable
        .replace(/^SPAWNER_[A-Z]+_/, '')
        .replace(/_?PORT$/, '')
        .toLowerCase() || 'main',
      ports[variable],
    ]),
  );
}
