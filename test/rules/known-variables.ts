/** The variables that each service's configuration reads, found by letting it read them. */
import { ConfigError, type Environment } from '@spawner/service';
import type { ServiceName } from '../../deploy/local/settings/services.ts';
import { readConfig as agent } from '../../services/agent/src/config.ts';
import { readConfig as certificates } from '../../services/certificates/src/config.ts';
import { readConfig as dns } from '../../services/dns/src/config.ts';
import { readConfig as gateway } from '../../services/gateway/src/config.ts';
import { readConfig as proxy } from '../../services/proxy/src/config.ts';
import { readConfig as scheduler } from '../../services/scheduler/src/config.ts';

const READERS: Record<ServiceName, (env: Environment) => unknown> = {
  agent,
  certificates,
  dns,
  gateway,
  proxy,
  scheduler,
};

/** Every SPAWNER_… variable that the service looks at. */
export function knownVariables(service: ServiceName): Set<string> {
  const known = new Set<string>();
  const env = new Proxy<Environment>({}, { get: (_, name) => void known.add(String(name)) });
  problemsOf(service, env);
  return known;
}

/** The service's complaints about this environment, or undefined if it would start with it. */
export function problemsOf(service: ServiceName, env: Environment): readonly string[] {
  try {
    READERS[service](env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
