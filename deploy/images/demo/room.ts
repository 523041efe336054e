/**
 * The guests of one board: applies their messages to the board and passes the changes to the others. An open page keeps a token.
 * With it, a page that reconnects is the same guest and can still undo its strokes.
 */
import { Board } from './board.ts';
import { type Guest, nextGuest } from './guests.ts';
import { type ClientMessage, parseMessage, type ServerMessage } from './messages.ts';
import type { WebSocketConnection } from './websocket.ts';

const MAX_GUESTS = 50;
const MAX_REMEMBERED = 500;
const MAX_MESSAGES_PER_TICK = 400;

/** Close codes of RFC 6455 §7.4 and, from 4000, our own. */
const CLOSE = { goingAway: 1001, unsupported: 1003, policy: 1008, full: 4000, takenOver: 4001 } as const;

export type Connection = Pick<WebSocketConnection, 'onMessage' | 'onClose' | 'send' | 'close'>;

interface Member {
  guest: Guest;
  connection: Connection;
  nextStroke: number;
  allowance: number;
}

export class Room {
  readonly #board = new Board();
  readonly #members = new Map<string, Member>();
  readonly #remembered = new Map<string, { guest: Guest; nextStroke: number }>();
  readonly #session: string;
  readonly #log: (line: string) => void;
  #ordinal = 0;

  constructor(session: string, log: (line: string) => void) {
    this.#session = session;
    this.#log = log;
  }

  join(connection: Connection, token: string): void {
    const previous = this.#members.get(token);
    if (previous) this.#takeOver(previous);
    else if (this.#members.size >= MAX_GUESTS) {
      connection.close(CLOSE.full, 'the board is full');
      return;
    }
    const member = this.#admit(connection, token);
    const { guest, nextStroke } = member;
    connection.onMessage = (message) => this.#take(member, message);
    connection.onClose = (code) => this.#leave(token, member, code);
    const guests = [...this.#members.values()].map((other) => other.guest);
    const strokes = this.#board.strokes;
    this.#send(member, {
      type: 'welcome',
      you: guest.id,
      guests,
      strokes,
      nextStroke,
      session: this.#session,
    });
    this.#tellOthers(member, { type: 'joined', guest });
    this.#log(`${guest.name} joined, ${this.#members.size} here`);
  }

  /** Renews everyone's allowance of messages. Called once a second. */
  tick(): void {
    for (const member of this.#members.values()) member.allowance = MAX_MESSAGES_PER_TICK;
  }

  /** Closes every connection with 1001, as a server does that shuts down. */
  close(): void {
    for (const { connection } of this.#members.values())
      connection.close(CLOSE.goingAway, 'the board closes');
  }

  #admit(connection: Connection, token: string): Member {
    const known = this.#members.get(token) ?? this.#remembered.get(token);
    const guest = this.#nameFor(known?.guest);
    const member: Member = {
      guest,
      connection,
      nextStroke: known?.nextStroke ?? 0,
      allowance: MAX_MESSAGES_PER_TICK,
    };
    this.#remembered.delete(token);
    this.#members.set(token, member);
    return member;
  }

  /** A returning guest keeps the id, and the name unless another guest has it by now. */
  #nameFor(known: Guest | undefined): Guest {
    const others = [...this.#members.values()]
      .map((member) => member.guest)
      .filter((guest) => guest.id !== known?.id);
    if (known && others.every((guest) => guest.name !== known.name)) return known;
    const fresh = nextGuest(this.#ordinal++, others);
    return known ? { ...fresh, id: known.id } : fresh;
  }

  /** Replaces a connection whose page has reconnected before it was noticed to be gone. */
  #takeOver(member: Member): void {
    member.connection.onMessage = () => {};
    member.connection.close(CLOSE.takenOver, 'this page has connected again');
    this.#endStrokes(member);
  }

  #leave(token: string, member: Member, code: number): void {
    if (this.#members.get(token) !== member) return;
    this.#endStrokes(member);
    this.#members.delete(token);
    this.#remembered.set(token, { guest: member.guest, nextStroke: member.nextStroke });
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined && this.#remembered.size > MAX_REMEMBERED) this.#remembered.delete(oldest);
    this.#tellOthers(member, { type: 'left', guest: member.guest.id });
    this.#log(`${member.guest.name} left (${code}), ${this.#members.size} here`);
  }

  #endStrokes(member: Member): void {
    for (const stroke of this.#board.endAll(member.guest.id)) {
      this.#tellOthers(member, { type: 'end', stroke });
    }
  }

  #take(member: Member, text: string | Buffer): void {
    const message = typeof text === 'string' ? parseMessage(text) : null;
    member.allowance -= 1;
    if (!message) member.connection.close(CLOSE.unsupported, 'not a message of the board');
    else if (member.allowance < 0) member.connection.close(CLOSE.policy, 'too many messages');
    else this.#apply(member, message);
  }

  #apply(member: Member, message: ClientMessage): void {
    const author = member.guest.id;
    switch (message.type) {
      case 'begin': {
        const { colour, width, point } = message;
        const id = `${author}.${message.stroke}`;
        this.#forget(this.#board.begin({ id, author, colour, width }, ...point), member, {
          type: 'begin',
          stroke: { id, author, colour, width, points: point, ended: false },
        });
        member.nextStroke = Math.max(member.nextStroke, message.stroke + 1);
        return;
      }
      case 'extend': {
        const stroke = `${author}.${message.stroke}`;
        const { points } = message;
        this.#forget(this.#board.extend(stroke, points), member, { type: 'extend', stroke, points });
        return;
      }
      case 'end': {
        const stroke = `${author}.${message.stroke}`;
        if (this.#board.end(stroke)) this.#tellOthers(member, { type: 'end', stroke });
        return;
      }
      case 'undo': {
        const removed = this.#board.undo(author);
        if (removed) this.#tellAll({ type: 'removed', strokes: [removed] });
        return;
      }
      case 'clear':
        this.#board.clear();
        this.#tellAll({ type: 'cleared', guest: author });
        return;
      case 'cursor':
        this.#tellOthers(member, { type: 'cursor', guest: author, point: message.point });
    }
  }

  /** Passes on an accepted change, and the strokes that were forgotten for it. */
  #forget(forgotten: string[] | null, member: Member, change: ServerMessage): void {
    if (!forgotten) return;
    this.#tellOthers(member, change);
    if (forgotten.length > 0) this.#tellAll({ type: 'removed', strokes: forgotten });
  }

  #send(member: Member, message: ServerMessage): void {
    member.connection.send(JSON.stringify(message));
  }

  #tellAll(message: ServerMessage): void {
    for (const member of this.#members.values()) this.#send(member, message);
  }

  #tellOthers(member: Member, message: ServerMessage): void {
    for (const other of this.#members.values())
      if (other.guest.id !== member.guest.id) this.#send(other, message);
  }
}
