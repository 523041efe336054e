import { linesOf } from './lines.ts';

export interface ServerEvent {
  id: string;
  data: string;
}

/** Server-sent events (WHATWG HTML §9.2) that have data, each with its own id. */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  quietMs: number,
): AsyncGenerator<ServerEvent> {
  let id = '';
  let data: string[] = [];
  for await (const line of linesOf(body, quietMs)) {
    if (line === '') {
      if (data.length > 0) yield { id, data: data.join('\n') };
      data = [];
      continue;
    }
    const at = line.indexOf(':');
    const field = at === -1 ? line : line.slice(0, at);
    const value = at === -1 ? '' : line.slice(at + 1).replace(/^ /, '');
    if (field === 'id') id = value;
    if (field === 'data') data.push(value);
  }
}
