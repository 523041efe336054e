import type { StateFiles } from '../state/state-dir.ts';
import type { FoundSandbox, Sandbox } from './sandbox.ts';

interface Taken {
  readonly sandbox: Sandbox;
  readonly by: string;
  /** A container had joined it when it was found, so it is free of use once none has. */
  readonly found: boolean;
  /** Its holder has died under its program. */
  severed: boolean;
}

/**
 * The sandboxes of a drone: ready, taken by a backend, or to be removed. A sandbox is marked as taken on disk before a
 * program may join it, because the engine may carry out a dead agent's request at any time. It is never ready again.
 */
export class SandboxPool {
  readonly #marks: StateFiles;
  readonly #ready = new Map<string, Sandbox>();
  readonly #taken = new Map<string, Taken>();
  readonly #discarded = new Map<string, Sandbox>();

  /** `marks` has a file for each holder that was taken. */
  constructor(marks: StateFiles) {
    this.#marks = marks;
  }

  get ready(): number {
    return this.#ready.size;
  }

  get taken(): number {
    return this.#taken.size;
  }

  /** The sandboxes to be removed. */
  get discarded(): Sandbox[] {
    return [...this.#discarded.values()];
  }

  add(sandbox: Sandbox): void {
    this.#ready.set(sandbox.id, sandbox);
  }

  /** Takes the oldest ready sandbox for a backend. Throws if the disk is full. */
  take(by: string): Sandbox | undefined {
    const [sandbox] = this.#ready.values();
    if (!sandbox) return undefined;
    // Not durable: after a power loss no holder runs.
    this.#marks.write(sandbox.id, by, { durable: false });
    this.#ready.delete(sandbox.id);
    this.#taken.set(sandbox.id, { sandbox, by, found: false, severed: false });
    return sandbox;
  }

  /** The taken sandbox of this holder. */
  find(id: string): Taken | undefined {
    return this.#taken.get(id);
  }

  takenBy(by: string): Sandbox[] {
    return [...this.#taken.values()].filter((taken) => taken.by === by).map(({ sandbox }) => sandbox);
  }

  /** The sandbox has to be removed. */
  discard(id: string): void {
    const sandbox = this.#ready.get(id) ?? this.#taken.get(id)?.sandbox;
    if (!sandbox) return;
    this.#ready.delete(id);
    this.#taken.delete(id);
    this.#discarded.set(id, sandbox);
  }

  /** Discards one ready sandbox, the oldest. */
  discardReady(): void {
    for (const id of [...this.#ready.keys()].slice(0, 1)) this.discard(id);
  }

  /** A holder has died. Returns the backend that has lost its network. */
  died(id: string): string | undefined {
    const taken = this.#taken.get(id);
    if (taken) taken.severed = true;
    else this.discard(id);
    return taken?.by;
  }

  /** The sandbox exists no more. */
  removed(id: string): void {
    this.#discarded.delete(id);
    this.#marks.remove(id);
  }

  /**
   * Compares the pool with the runtime's list. `gone` has the holders that were removed while the list was made. A sandbox
   * that the pool does not know is ready if nothing ever took it. If a container has joined it, it is that backend's, and
   * otherwise it is discarded. Returns the sandboxes that it did not know.
   */
  compare(list: readonly FoundSandbox[], gone: ReadonlySet<string>): Sandbox[] {
    const marks = new Set(this.#marks.names());
    const found = new Map(list.map((sandbox) => [sandbox.id, sandbox]));
    for (const id of [...this.#ready.keys(), ...this.#taken.keys()])
      if (!found.get(id)?.usable) this.died(id);
    for (const [id, { found: was }] of this.#taken) if (was && !found.get(id)?.joinedBy) this.discard(id);
    const unknown = list.filter(({ id }) => !gone.has(id) && !this.#knows(id));
    for (const { id, address, published, usable, current, joinedBy } of unknown) {
      const sandbox = { id, address, published };
      if (joinedBy !== undefined)
        this.#taken.set(id, { sandbox, by: joinedBy, found: true, severed: !usable });
      else if (usable && current && !marks.has(id)) this.add(sandbox);
      else this.#discarded.set(id, sandbox);
    }
    for (const id of marks) if (!found.has(id) && !this.#knows(id)) this.removed(id);
    return unknown;
  }

  #knows(id: string): boolean {
    return this.#ready.has(id) || this.#taken.has(id) || this.#discarded.has(id);
  }
}
