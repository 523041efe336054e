import type { Log } from '@spawner/service';
import { answer } from '../answer.ts';
import type { Metrics } from '../metrics.ts';
import { encodeAnswer } from '../protocol/answer-encoder.ts';
import { HEADER_BYTES, readQuery } from '../protocol/query-reader.ts';
import { bare, RCODE, rcodeName, typeName } from '../protocol/records.ts';
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
      const { question, problem = RCODE.FORMERR } = query;
      const answerable = question && query.problem === undefined;
      const found = answerable ? answer(question, this.#zone) : bare(problem);
      const type = question ? typeName(question.type) : 'none';
      this.#metrics.answered(type, rcodeName(found.rcode), transport);
      return encodeAnswer(query, found, transport);
    } catch (error) {
      this.#log.error({ error }, 'a query could not be answered');
      return serverFailure(bytes);
    }
  }
}

/** SERVFAIL with the query's id, opcode and RD. */
function serverFailure(query: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  query.copy(bytes, 0, 0, 4);
  bytes.writeUInt16BE(0x8000 | (bytes.readUInt16BE(2) & 0x7900) | RCODE.SERVFAIL, 2);
  return bytes;
}
