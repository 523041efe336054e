import { counter, type Log } from '@spawner/service';
import { answer } from './answer.ts';
import { encodeAnswer } from './dns2.ts';
import { type Answer, bare, RCODE, rcodeName, typeName } from './records.ts';
import { HEADER_BYTES, type Query, readQuery } from './wire.ts';
import type { ZoneView } from './zone.ts';

export type Transport = 'udp' | 'tcp';

/** Packet in, packet out. Nothing that arrives can make it throw: a fault of our own is SERVFAIL and one line in the log. */
export class Responder {
  readonly #zone: ZoneView;
  readonly #log: Log;
  readonly #count = counter('spawner.dns.queries', 'Questions answered, by type, code and transport');

  constructor(zone: ZoneView, log: Log) {
    this.#zone = zone;
    this.#log = log;
  }

  /** The answer's bytes; nothing for what may not be answered. */
  respond(bytes: Buffer, transport: Transport): Buffer | undefined {
    try {
      const query = readQuery(bytes);
      if (!query) return undefined;
      const found = this.#answer(query);
      this.#counted(query, found, transport);
      return encodeAnswer(query, found, transport);
    } catch (error) {
      this.#log.error({ error }, 'a query could not be answered');
      return serverFailure(bytes);
    }
  }

  #answer(query: Query): Answer {
    if (query.problem !== undefined || !query.question) return bare(query.problem ?? RCODE.FORMERR);
    return answer(query.question, this.#zone);
  }

  #counted({ question }: Query, { rcode }: Answer, transport: Transport): void {
    const type = question ? typeName(question.type) : 'none';
    this.#count({ type, rcode: rcodeName(rcode), transport });
  }
}

/** Of the query only its id, opcode and RD. */
function serverFailure(query: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  query.copy(bytes, 0, 0, 4);
  bytes.writeUInt16BE(0x8000 | (bytes.readUInt16BE(2) & 0x7900) | RCODE.SERVFAIL, 2);
  return bytes;
}
