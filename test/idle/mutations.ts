/**
 * Deliberate faults of the services, each a text of one of their modules that becomes another as it is loaded (mutate.ts): the
 * programs themselves have no such switch. The suite is worth what it finds of them: `npm run idle -- --mutations`.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Mutation {
  readonly service: 'agent' | 'proxy';
  /** From the root of the repository. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'missing-answer-is-zero': {
    service: 'agent',
    file: 'services/agent/src/idle/inquiry.ts',
    from: `    } catch {
      return undefined;
    }`,
    to: `    } catch {
      return { activity: { id, open: 0, ageMs: 3_600_000 }, held: 0, registration: 0, unused: false };
    }`,
  },
  'kernel-is-not-asked': {
    service: 'agent',
    file: 'services/agent/src/idle/inquiry.ts',
    from: 'const established = await drone.runtime.established(backend.id);',
    to: 'const established = 0;',
  },
  'websockets-are-not-counted': {
    service: 'proxy',
    file: 'services/proxy/src/routing/active-requests.ts',
    from: 'reached(upgrade: boolean, path: string): void {\n    this',
    to: 'reached(upgrade: boolean, path: string): void {\n    if (upgrade) this.neverReached();\n    this',
  },
  'dead-proxy-was-never-used': {
    service: 'agent',
    file: 'services/agent/src/idle/settlement.ts',
    from: 'if (!reply?.activity) return deadBy ?? now;',
    to: 'if (!reply?.activity) return 0;',
  },
};

/** The variables of the services for this mutation; empty for none. */
export function mutatedServices(name: string): Partial<Record<Mutation['service'], Record<string, string>>> {
  if (name === '') return {};
  const mutation = MUTATIONS[name];
  if (!mutation)
    throw new Error(`no mutation is called ${name}; there are ${Object.keys(MUTATIONS).join(', ')}`);
  const preload = pathToFileURL(join(__dirname, 'mutate.ts')).href;
  const env = { NODE_OPTIONS: `--import=${preload}`, SPAWNER_TEST_MUTATION: name };
  return { [mutation.service]: env };
}

/** The module with the fault in it; the text must be there once, so that no fault becomes none unseen. */
export function mutated(source: string, { file, from, to }: Mutation): string {
  if (source.split(from).length !== 2)
    throw new Error(`${file} has no single ${JSON.stringify(from)} any more`);
  return source.replace(from, () => to);
}
