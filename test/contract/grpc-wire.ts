/**
 * gRPC without any gRPC library: length-prefixed messages over HTTP/2, as its specification has them. A server that
 * answers it answers every client.
 */
import { connect } from 'node:http2';

export interface GrpcAnswer {
  status: number;
  message: string;
  /** The trailer `grpc-status-details-bin`, decoded from base64. */
  details: Buffer;
  messages: Buffer[];
}

/** Calls a method with one request and resolves with all that is answered. */
export function grpcCall(
  port: number,
  path: string,
  request: Uint8Array,
  timeoutMs = 5_000,
): Promise<GrpcAnswer> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.once('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const late = setTimeout(
      () => session.destroy(new Error(`${path} did not end in ${timeoutMs} ms`)),
      timeoutMs,
    );
    const chunks: Buffer[] = [];
    let heads: Record<string, unknown> = {};
    stream.on('response', (headers) => {
      heads = { ...heads, ...headers };
    });
    stream.on('trailers', (trailers) => {
      heads = { ...heads, ...trailers };
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('error', reject);
    stream.once('close', () => {
      clearTimeout(late);
      session.close();
      resolve({
        status: Number(heads['grpc-status']),
        message: decodeURIComponent(String(heads['grpc-message'] ?? '')),
        details: Buffer.from(String(heads['grpc-status-details-bin'] ?? ''), 'base64'),
        messages: unframed(Buffer.concat(chunks)),
      });
    });
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(request.length, 1);
    stream.end(Buffer.concat([frame, request]));
  });
}

function unframed(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    messages.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return messages;
}
