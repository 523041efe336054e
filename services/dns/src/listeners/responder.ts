import type { Log } from '@spawner/service';
import { answer } from '../answer.ts';
import type { Metrics } from '../metrics.ts';
import { encodeAnswer } from '../protocol/answer-encoder.ts';
import { HEADER_BYTES, readQuery } from '../protocol/query-reader.ts';
import { bare, RCODE, rcodeName, typeName } from '../protocol/records.ts';
import type { ZoneView } from '../zone.ts';

/** The bytes of the answer to a packet. Returns undefined if the packet must not be answered. */
export type Responder = (bytes: Buffer, transport: 'udp' | 'tcp') => Buffer | undefined;

/** Answers packets. It never throws: an error of our own is SERVFAIL and one line in the log. */
export function responder(zone: ZoneView, log: Log, metrics: Metrics): Responder {
  return (bytes, transport) => {
    try {
      const query = readQuery(bytes);
      if (!query) return undefined;
      const { question, problem } = query;
      const answerable = question && problem === undefined;
      const found = answerable ? answer(question, zone) : bare(problem ?? RCODE.FORMERR);
      metrics.answered(question ? typeName(question.type) : 'none', rcodeName(found.rcode), transport);
      return encodeAnswer(query, found, transport);
    } catch (error) {
      log.error({ error }, 'a query could not be answered');
      return serverFailure(bytes);
    }
  };
}

/** SERVFAIL with the query's id, opcode and RD. */
function serverFailure(query: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  query.copy(bytes, 0, 0, 4);
  bytes.writeUInt16BE(0x8000 | (bytes.readUInt16BE(2) & 0x7900) | RCODE.SERVFAIL, 2);
  return bytes;
}
