/** The backends for which the engine has created a container, from the engine's own events. */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { LABELS } from '../../../services/agent/src/runtime/docker/container-spec.ts';

type Happened = { Actor?: { Attributes?: Record<string, string> } };

export class MadeContainers implements Disposable {
  readonly ids = new Set<string>();
  readonly #call: ClientRequest;

  private constructor(call: ClientRequest, events: IncomingMessage) {
    this.#call = call;
    const lines = createInterface({ input: events });
    // The end of the stream is ours.
    for (const stream of [call, events, lines]) stream.on('error', () => {});
    lines.on('line', (line) => {
      const { Actor } = JSON.parse(line) as Happened;
      const id = Actor?.Attributes?.[LABELS.backend];
      if (id !== undefined) this.ids.add(id);
    });
  }

  /** Resolves once the engine tells of every creation. */
  static async follow(socketPath: string): Promise<MadeContainers> {
    const filters = encodeURIComponent(JSON.stringify({ type: ['container'], event: ['create'] }));
    const call = request({ socketPath, path: `/events?filters=${filters}` });
    call.end();
    const [events] = (await once(call, 'response')) as [IncomingMessage];
    return new MadeContainers(call, events);
  }

  [Symbol.dispose](): void {
    this.#call.destroy();
  }
}
