import { askDocker, removeNetwork } from '@spawner/testkit';
import type { Leftover } from '../leftovers.ts';

interface Listed {
  Id: string;
  Name?: string;
  Names?: string[];
  Labels?: Record<string, string>;
}

const CLUSTER = 'dev.spawner.cluster';

/** The containers of Spawner's clusters in this engine. */
export function containersIn(socket: string): Promise<Leftover[]> {
  return listed(
    socket,
    'container',
    '/containers/json?all=true',
    async (id) => void (await askDocker(socket, 'DELETE', `/containers/${id}?force=true&v=true`)),
  );
}

/** The networks of Spawner's clusters in this engine. */
export function networksIn(socket: string): Promise<Leftover[]> {
  return listed(socket, 'network', '/networks', (id) => removeNetwork(socket, id));
}

async function listed(
  socket: string,
  kind: string,
  path: string,
  removed: (id: string) => Promise<void>,
): Promise<Leftover[]> {
  const all = (await askDocker(socket, 'GET', path)) as Listed[];
  return all
    .filter(({ Labels }) => Labels?.[CLUSTER])
    .map(({ Id, Name, Names, Labels }) => ({
      id: `${kind} ${Id}`,
      what: `${kind} ${Name ?? Names?.join(' ')} of cluster ${Labels![CLUSTER]}`,
      remove: () => removed(Id),
    }));
}
