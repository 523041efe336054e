/** Stops an agent's request to its engine at a named point, so that a fault can come in exactly there. */
import { inTime } from '@spawner/domain';
import { askDocker, PATIENCE } from '@spawner/testkit';
import type { HeldEngine } from '../integration/held-engine.ts';

/** A request about a container or a network, with the name of the container. */
export interface EngineCall {
  readonly method: string;
  /** The path without its query. */
  readonly path: string;
  /** Empty if the request is about no container, or about one that does not exist. */
  readonly container: string;
}

export type When = 'before' | 'after';

interface Hold {
  readonly when: When;
  readonly isDue: (call: EngineCall) => boolean;
  /** A request is held already. */
  isTaken: boolean;
  readonly reached: PromiseWithResolvers<void>;
  readonly over: PromiseWithResolvers<void>;
}

const CONTAINER = /\/containers\/([^/?]+)/;

export class EngineHolds {
  readonly #socketPath: string;
  readonly #holds = new Set<Hold>();
  /** Names by id, because a removed container has none any more. */
  readonly #names = new Map<string, string>();
  /** The latest requests, for an error's message. */
  readonly #seen: string[] = [];

  /** `socketPath` is that of the engine behind. */
  constructor(engine: HeldEngine, socketPath: string) {
    this.#socketPath = socketPath;
    engine.before = (line) => this.#pass('before', line);
    engine.after = (line) => this.#pass('after', line);
  }

  /** Holds the next such request before the engine gets it, or after the engine has carried it out. Resolves when it is held. */
  hold(when: When, isDue: (call: EngineCall) => boolean): Promise<void> {
    const [reached, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const hold = { when, isDue, isTaken: false, reached, over };
    this.#holds.add(hold);
    over.promise.catch(() => {});
    return inTime(reached.promise, PATIENCE.conditionMs).catch((cause) => {
      throw new Error(`none of these requests is to be held: ${this.#seen.slice(-30).join('; ')}`, { cause });
    });
  }

  /** Lets every held request continue. If they are lost, the engine has not got those that were held before it. */
  release({ lost }: { lost: boolean }): void {
    for (const { over } of this.#holds) lost ? over.reject(new Error('lost')) : over.resolve();
    this.#holds.clear();
  }

  async #pass(when: When, line: string): Promise<void> {
    if (this.#holds.size === 0 || line.startsWith('GET')) return;
    const call = await this.#callOf(line);
    this.#seen.push(`${when} ${call.method} ${call.path} ${call.container}`);
    const due = [...this.#holds].find((hold) => hold.when === when && !hold.isTaken && hold.isDue(call));
    if (!due) return;
    due.isTaken = true;
    due.reached.resolve();
    await due.over.promise;
  }

  async #callOf(line: string): Promise<EngineCall> {
    const [method = '', url = ''] = line.split(' ');
    const [path = '', query] = url.split('?');
    const [, id = ''] = CONTAINER.exec(path) ?? [];
    const container =
      id === 'create' ? (new URLSearchParams(query).get('name') ?? '') : await this.#nameOf(id);
    return { method, path, container };
  }

  async #nameOf(id: string): Promise<string> {
    if (id === '' || id.startsWith('spawner-')) return id;
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const inspected = await askDocker(this.#socketPath, 'GET', `/containers/${id}/json`).catch(
      () => undefined,
    );
    const name = (inspected as { Name: string } | undefined)?.Name.slice(1) ?? '';
    if (name !== '') this.#names.set(id, name);
    return name;
  }
}
