/** The peer of a herd: the bare Docker API, which starts as many of the same containers on its default bridge. */
import type { BareContainer, BareDocker } from '../spawn/bare-docker.ts';

export interface BareHerd {
  readonly atOnce: number;
  /** From the first create call to the last first byte. */
  readonly wholeMs: number;
}

/** Starts `size` containers, `atOnce` at a time. They run until the last has answered, and are removed after. */
export async function runBareHerd(docker: BareDocker, size: number, atOnce: number): Promise<BareHerd> {
  const running: BareContainer[] = [];
  let begun = 0;
  const began = performance.now();
  const work = async () => {
    while (begun < size) {
      begun += 1;
      running.push(await docker.runPlain());
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: atOnce }, work));
  const wholeMs = performance.now() - began;
  for (const container of running) await container.remove();
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return { atOnce, wholeMs };
}
