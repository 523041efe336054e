import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * How short of processors the machine was while a suite ran: bounds in seconds hold for a machine that gets to run what
 * it is given. Linux tells how long something runnable had to wait (`/proc/pressure/cpu`); elsewhere only we do.
 */
export class Shortage {
  readonly #delay = monitorEventLoopDelay({ resolution: 10 });
  #since = 0;
  #waited: number | undefined;

  begin(): void {
    this.#delay.enable();
    this.#since = performance.now();
    this.#waited = waitedMs();
  }

  /** In words. */
  told(): string {
    this.#delay.disable();
    const own = `this process was late by at most ${Math.round(this.#delay.max / 1e6)} ms`;
    const now = waitedMs();
    if (now === undefined || this.#waited === undefined) return own;
    const part = (now - this.#waited) / (performance.now() - this.#since);
    return `something waited for a processor in ${Math.round(100 * part)} % of the time; ${own}`;
  }
}

/** Since boot; nothing where the kernel does not count it. */
function waitedMs(): number | undefined {
  try {
    const total = /^some .*total=(\d+)/m.exec(readFileSync('/proc/pressure/cpu', 'utf8'))?.[1];
    return total === undefined ? undefined : Number(total) / 1_000;
  } catch {
    return undefined;
  }
}
