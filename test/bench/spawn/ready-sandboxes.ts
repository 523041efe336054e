/** The agent's sandboxes between two measurements: complete, so that none is made during the next one. */
import { eventually } from '@spawner/testkit';
import type { ServiceHandle } from '../../cluster/cluster.ts';

const WITHIN_MS = 180_000;
const READY = /^spawner_agent_sandboxes\{[^}]*state="ready"[^}]*\} (\d+)/m;

/** Resolves when the agent has so many ready. */
export async function untilSandboxesReady(agent: ServiceHandle, wanted: number): Promise<void> {
  const check = async () => {
    const ready = Number(READY.exec(await agent.admin('/metrics'))?.[1]);
    if (!(ready >= wanted)) throw new Error(`${ready} of ${wanted} sandboxes are ready`);
  };
  await eventually(check, { timeoutMs: WITHIN_MS, everyMs: 200 });
}
