import type { Cluster } from '../cluster.ts';

/** A program that runs although it has lost its network. */
export function severed({ drones }: Cluster): string | undefined {
  for (const { name, engine } of drones)
    for (const container of engine.containers.values())
      if (container.state === 'running' && engine.isSevered(container))
        return `${container.id} on ${name} has lost its network and runs`;
  return undefined;
}

/** A sandbox or a mark of a backend that is gone, or a holder that does not run. */
export function leftSandbox({ drones }: Cluster): string | undefined {
  for (const drone of drones) {
    const { engine, name } = drone;
    if (engine.gone) continue;
    for (const { id, state, user } of engine.holders.all.values()) {
      if (state !== 'running') return `${id} does not run and is still there`;
      if (user !== undefined && engine.containers.get(user)?.holder !== id)
        return `${id} is still there without ${user}`;
    }
    const mark = drone.markedHolders().find((id) => !engine.holders.all.has(id));
    if (mark) return `${name} has a mark of ${mark}, which is gone`;
  }
  return undefined;
}
