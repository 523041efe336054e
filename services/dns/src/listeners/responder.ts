import type { Log } from '@spawner/service';
import { answer } from '../answer.ts';
import type { Metrics } from '../metrics.ts';
import { encodeAnswer } from '../protocol/answer-encoder.ts';
import { HEADER_BYTES, type Query, readQuery } from '../protocol/query-reader.ts';
import { type Answer, bare, RCODE, rcodeName, typeName } from '../protocol/records.ts';
import type { ZoneView } from '../zone.ts';

export type Transport = 'udp' | 'tcp';

/** Answers packets. It never throws: an error of our own is SERVFAIL and one line in the log. */
export class Responder {
  readonly #zone: ZoneView;
  readonly #log: Log;
  readonly #metrics: Metrics;

  constructor(zone: ZoneView, log: Log, metrics: Metrics) {
    this.#zone = zone;
    this.#log = log;
    this.#metrics = metrics;
  }

  /** The bytes of the answer. Returns undefined if the packet must not be answered. */
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
    this.#metrics.answered(type, rcodeName(rcode), transport);
  }
}

/** SERVFAIL with the query's id, opcode and RD. */
function serverFailure(query: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  query.copy(bytes, 0, 0, 4);
  bytes.writeUInt16BE(0x8000 | (bytes.readUInt16BE(2) & 0x7900) | RCODE.SERVFAIL, 2);
  return bytes;
}
