import type { Socket } from 'node:net';

/**
 * Writes to a client what was read into shared memory: short pieces as text, which the socket copies when it must
 * wait; longer ones through one scratch buffer, which is replaced when the kernel did not take all of it.
 */
const SHORT_BYTES = 2_048;
const SCRATCH_BYTES = 128 * 1024;
const NOTHING = Buffer.alloc(0);
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** More than this waiting for a client, and nothing more is read for it. */
const MOST_WAITING = 16 * 1024;

export class Writer {
  readonly #socket: Socket;
  /** A TLS socket holds what it is given for a moment, always. */
  readonly #secure: boolean;

  constructor(socket: Socket, secure: boolean) {
    this.#socket = socket;
    this.#secure = secure;
  }

  /** Writes the text, then the bytes from `from` to `to`, which may be overwritten as soon as this returns. */
  send(text: string, bytes: Buffer = NOTHING, from = 0, to = from): void {
    this.#write(text, bytes, from, to, undefined);
  }

  /** The same, and calls back once everything has gone out; never when the socket closes first. */
  sendLast(text: string, bytes: Buffer, from: number, to: number, gone: () => void): void {
    const then = this.#secure ? onSuccess(gone) : undefined;
    const written = this.#write(text, bytes, from, to, then);
    if (written && then) return;
    if (this.waits) this.whenEmpty(gone);
    else gone();
  }

  /** Something has not gone out yet. */
  get waits(): boolean {
    return this.#socket.writableLength > 0;
  }

  /** So much has not gone out that nothing should be added. */
  get isFull(): boolean {
    return this.#socket.writableLength > MOST_WAITING;
  }

  /** Calls back once everything written so far has gone out; never when the socket closes first. */
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
    if (!own && this.waits) scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    return true;
  }
}

type Written = (error?: Error | null) => void;

function onSuccess(then: () => void): Written {
  return (error) => {
    if (!error) then();
  };
}
