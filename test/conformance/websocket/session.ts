/** Plays one case on an opened WebSocket, whatever carries it, and tells what came of it in a form that can be compared. */
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { eventually } from '@spawner/testkit';
import type { Case } from './case.ts';
import { digest } from './echo-server.ts';
import { closing, encode, FrameReader, OPCODE } from './frame.ts';

/** An opened WebSocket before its first frame. */
export interface Opened {
  stream: Duplex;
  /** The extensions that the handshake agreed on. */
  extensions: string;
}

export interface Outcome {
  extensions: string;
  /** Every frame that came, in order, and how the connection ended. */
  heard: string[];
  /** The events that the backend saw. */
  seen: string[];
}

const LONGEST_MS = 120_000;

export async function play(
  { stream, extensions }: Opened,
  { bytes, finish, echoes }: Pick<Case, 'bytes' | 'finish' | 'echoes'>,
): Promise<Omit<Outcome, 'seen'>> {
  const heard: string[] = [];
  const reader = new FrameReader();
  let closed = false;
  const late = setTimeout(() => {
    heard.push('nothing more in time');
    stream.destroy();
  }, LONGEST_MS);
  stream.on('error', (error: NodeJS.ErrnoException) => heard.push(`error ${error.code}`));
  stream.on('data', (piece: Buffer) => {
    for (const { fin, rsv, opcode, payload } of reader.push(piece)) {
      heard.push(`${fin ? 'fin' : 'more'} ${rsv} ${opcode} ${digest(payload)}`);
      if (opcode === OPCODE.close && !closed) {
        closed = true;
        stream.write(encode({ opcode: OPCODE.close, payload: payload.subarray(0, 2) }));
      }
    }
  });
  stream.on('end', () => {
    heard.push(reader.left > 0 ? 'end within a frame' : 'end');
    stream.end();
  });
  const over = new Promise<void>((resolve) => stream.once('close', () => resolve()));
  for (const piece of bytes()) {
    if (closed || stream.destroyed) break;
    if (!stream.write(piece)) await room(stream);
    await turn();
  }
  if (!closed && !stream.destroyed) {
    if (finish === 'close') {
      closed = true;
      stream.write(encode({ opcode: OPCODE.close, payload: closing(1000) }));
    } else if (finish === 'end') {
      // A client that ends its half may lose the answers that are still on their way.
      await eventually(() => heard.filter(isEcho).length === echoes);
      stream.end();
    }
  }
  await over;
  clearTimeout(late);
  return { extensions, heard };
}

/** Whether this line of what was heard is a message. */
export const isEcho = (line: string) => /^(?:fin|more) \d [012] /.test(line);

function room(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      stream.off('drain', over).off('close', over);
      resolve();
    };
    stream.once('drain', over).once('close', over);
  });
}
