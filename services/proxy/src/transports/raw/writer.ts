import type { Socket } from 'node:net';

const SHORT_BYTES = 2_048;
const SCRATCH_BYTES = 128 * 1024;
const NOTHING = Buffer.alloc(0);
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** No more is read for a client while more than this waits for it. */
const MOST_WAITING = 16 * 1024;

/**
 * Writes to a client from memory that is reused. Short pieces go as text, which the socket copies if it must wait. Longer ones go
 * through one scratch buffer, which is replaced if the kernel did not take all of it.
 */
export class Writer {
  readonly #socket: Socket;
  /** A TLS socket always holds bytes for a moment. */
  readonly #secure: boolean;
  /** The source is paused. */
  restrains = false;

  constructor(socket: Socket, secure: boolean) {
    this.#socket = socket;
    this.#secure = secure;
  }

  /** Writes the text, then the bytes from `from` to `to`, which may be overwritten as soon as this returns. */
  send(text: string, bytes: Buffer = NOTHING, from = 0, to = from): void {
    this.#write(text, bytes, from, to, undefined);
  }

  /** The same, and calls back once everything has gone out, unless the socket closes first. */
  sendLast(text: string, bytes: Buffer, from: number, to: number, gone: () => void): void {
    const then = this.#secure ? onSuccess(gone) : undefined;
    const written = this.#write(text, bytes, from, to, then);
    if (written && then) return;
    if (this.#socket.writableLength > 0) this.whenEmpty(gone);
    else gone();
  }

  /** If so much has not gone out that no more should be added, pauses the source until everything has gone out. */
  restrain(source: Socket): void {
    if (this.restrains || this.#socket.writableLength <= MOST_WAITING) return;
    this.restrains = true;
    source.pause();
    this.whenEmpty(() => {
      this.restrains = false;
      source.resume();
    });
  }

  /** Calls back once everything written so far has gone out, unless the socket closes first. */
  whenEmpty(then: () => void): void {
    this.#socket.write(NOTHING, onSuccess(then));
  }

  #write(text: string, bytes: Buffer, from: number, to: number, then: Written | undefined): boolean {
    const socket = this.#socket;
    const size = to - from;
    if (size <= SHORT_BYTES) {
      const all = size === 0 ? text : text + bytes.toString('latin1', from, to);
      if (all === '') return false;
      socket.write(all, 'latin1', then);
      return true;
    }
    const whole = text.length + size;
    const own = this.#secure || whole > SCRATCH_BYTES;
    const target = own ? Buffer.allocUnsafeSlow(whole) : scratch;
    if (text !== '') target.write(text, 0, 'latin1');
    bytes.copy(target, text.length, from, to);
    socket.write(own ? target : target.subarray(0, whole), then);
    if (!own && socket.writableLength > 0) scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    return true;
  }
}

type Written = (error?: Error | null) => void;

function onSuccess(then: () => void): Written {
  return (error) => {
    if (!error) then();
  };
}
