/** The ports that services listen on, the variables that move them, and the choice of another if a default is taken. */
import { anyPort } from '@spawner/service/ports';

export interface PortRule {
  variable: string;
  service: string;
  /** The protocol or use, in a word or two. */
  purpose: string;
  usual: number;
}

export const PORT_RULES = [
  { variable: 'SPAWNER_GATEWAY_HTTP_PORT', service: 'gateway', purpose: 'HTTP API', usual: 8080 },
  { variable: 'SPAWNER_GATEWAY_GRPC_PORT', service: 'gateway', purpose: 'gRPC API', usual: 50051 },
  { variable: 'SPAWNER_GATEWAY_ADMIN_PORT', service: 'gateway', purpose: 'admin', usual: 9101 },
  { variable: 'SPAWNER_SCHEDULER_PORT', service: 'scheduler', purpose: 'gRPC', usual: 50052 },
  { variable: 'SPAWNER_SCHEDULER_ADMIN_PORT', service: 'scheduler', purpose: 'admin', usual: 9102 },
  { variable: 'SPAWNER_AGENT_PORT', service: 'agent', purpose: 'gRPC', usual: 50053 },
  { variable: 'SPAWNER_AGENT_ADMIN_PORT', service: 'agent', purpose: 'admin', usual: 9103 },
  { variable: 'SPAWNER_PROXY_HTTP_PORT', service: 'proxy', purpose: 'HTTP', usual: 8000 },
  { variable: 'SPAWNER_PROXY_HTTPS_PORT', service: 'proxy', purpose: 'HTTPS', usual: 8443 },
  { variable: 'SPAWNER_PROXY_ADMIN_PORT', service: 'proxy', purpose: 'admin', usual: 9104 },
  { variable: 'SPAWNER_DNS_PORT', service: 'dns', purpose: 'DNS', usual: 5300 },
  { variable: 'SPAWNER_DNS_GRPC_PORT', service: 'dns', purpose: 'gRPC', usual: 50054 },
  { variable: 'SPAWNER_DNS_ADMIN_PORT', service: 'dns', purpose: 'admin', usual: 9105 },
  { variable: 'SPAWNER_CERTIFICATES_PORT', service: 'certificates', purpose: 'gRPC', usual: 50055 },
  { variable: 'SPAWNER_CERTIFICATES_ADMIN_PORT', service: 'certificates', purpose: 'admin', usual: 9106 },
] as const satisfies readonly PortRule[];

export type PortVariable = (typeof PORT_RULES)[number]['variable'];
export type Ports = Record<PortVariable, number>;

export interface PortChoice {
  ports: Ports;
  /** One sentence for each port that is not the usual one. */
  moved: string[];
}

/**
 * Chooses a port for each rule: the one that the environment sets, or the usual one, or any free one if the usual one is
 * taken. Throws if a port that was set is invalid or taken.
 */
export async function choosePorts(
  env: Readonly<Record<string, string | undefined>>,
  isFree: (port: number) => Promise<boolean>,
  random: () => number = Math.random,
): Promise<PortChoice> {
  const given = new Set<number>();
  const moved: string[] = [];
  const problems: string[] = [];
  const available = async (port: number) => !given.has(port) && (await isFree(port));
  const chosen: Partial<Ports> = {};
  const rules = PORT_RULES.toSorted((a, b) => Number(!env[a.variable]) - Number(!env[b.variable]));
  for (const { variable, service, purpose, usual } of rules) {
    const set = env[variable];
    let port: number = set ? Number(set) : usual;
    if (set && !(Number.isInteger(port) && port > 0 && port < 65_536))
      problems.push(`${variable} must be a port, not ${JSON.stringify(set)}`);
    else if (!(await available(port))) {
      if (set) problems.push(`${variable}: port ${port} is already in use`);
      else {
        port = await anyPort(available, random);
        moved.push(`Port ${usual} is taken: ${service} ${purpose} is on ${port} (${variable} moves it).`);
      }
    }
    given.add(port);
    chosen[variable] = port;
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return { ports: chosen as Ports, moved };
}
