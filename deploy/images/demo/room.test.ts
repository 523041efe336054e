import type { ServerMessage } from './messages.ts';
import { type Connection, Room } from './room.ts';

/** A browser as the room sees it: sends, receives, and leaves. */
class Visitor implements Connection {
  onMessage: Connection['onMessage'] = () => {};
  onClose: Connection['onClose'] = () => {};
  heard: ServerMessage[] = [];
  closedWith: number | null = null;

  send(message: string | Buffer): void {
    this.heard.push(JSON.parse(String(message)) as ServerMessage);
  }
  close(code = 1000): void {
    this.closedWith ??= code;
  }
  say(message: unknown): void {
    this.onMessage(JSON.stringify(message));
  }
  /** The messages since the last call. */
  news(): ServerMessage[] {
    return this.heard.splice(0);
  }
  get welcome(): Extract<ServerMessage, { type: 'welcome' }> {
    return this.heard.find((message) => message.type === 'welcome')!;
  }
}

let room: Room;
let log: string[];

beforeEach(() => {
  log = [];
  room = new Room('k3j9', (line) => log.push(line));
});

function visit(token: string): Visitor {
  const visitor = new Visitor();
  room.join(visitor, token);
  return visitor;
}

const line = { type: 'begin', stroke: 0, colour: 'teal', width: 7, point: [1, 2] };

describe('a room', () => {
  it('welcomes a guest with guests and strokes, and announces the guest to the others', () => {
    const heron = visit('one');
    expect(heron.welcome).toMatchObject({ you: 'g1', session: 'k3j9', strokes: [], nextStroke: 0 });
    heron.say(line);
    heron.say({ type: 'extend', stroke: 0, points: [3, 4] });
    heron.news();
    const late = visit('two');
    expect(late.welcome.guests.map((guest) => guest.id)).toEqual(['g1', 'g2']);
    expect(late.welcome.strokes).toEqual([
      { id: 'g1.0', author: 'g1', colour: 'teal', width: 7, points: [1, 2, 3, 4], ended: false },
    ]);
    expect(heron.news()).toEqual([{ type: 'joined', guest: late.welcome.guests[1] }]);
    late.onClose(1001);
    expect(heron.news()).toEqual([{ type: 'left', guest: 'g2' }]);
    expect(log).toEqual([
      'Blue Heron joined, 1 here',
      'Coral Fox joined, 2 here',
      'Coral Fox left (1001), 1 here',
    ]);
  });

  it('passes the strokes of a guest to each of the others once', () => {
    const [one, two, three] = [visit('one'), visit('two'), visit('three')];
    for (const visitor of [one, two, three]) visitor.news();
    one.say(line);
    one.say({ type: 'extend', stroke: 0, points: [3, 4] });
    one.say({ type: 'extend', stroke: 9, points: [3, 4] });
    one.say({ type: 'end', stroke: 0 });
    one.say({ type: 'cursor', point: [5, 6] });
    const heard = two.news();
    expect(heard.map((message) => message.type)).toEqual(['begin', 'extend', 'end', 'cursor']);
    expect(three.news()).toEqual(heard);
    expect(one.news()).toEqual([]);
  });

  it('lets everybody undo their own strokes and clear the board', () => {
    const [one, two] = [visit('one'), visit('two')];
    one.say(line);
    two.say(line);
    one.news();
    one.say({ type: 'undo' });
    one.say({ type: 'undo' });
    expect(one.news()).toEqual([{ type: 'removed', strokes: ['g1.0'] }]);
    one.say({ type: 'clear' });
    expect(one.news()).toEqual([{ type: 'cleared', guest: 'g1' }]);
    expect(visit('three').welcome.strokes).toEqual([]);
  });

  it('knows a page that returns, whether or not it saw it leave', () => {
    const first = visit('one');
    first.say(line);
    const second = visit('one');
    expect(first.closedWith).toBe(4001);
    expect(second.welcome).toMatchObject({
      you: 'g1',
      nextStroke: 1,
      strokes: [{ id: 'g1.0', ended: true }],
    });
    first.say({ type: 'clear' });
    first.onClose(1006);
    second.onClose(1006);
    const third = visit('one');
    expect(third.welcome).toMatchObject({ you: 'g1', nextStroke: 1, guests: [{ name: 'Blue Heron' }] });
    third.say({ type: 'undo' });
    expect(third.news()).toContainEqual({ type: 'removed', strokes: ['g1.0'] });
  });

  it('ends the open stroke of a leaving guest', () => {
    const [one, two] = [visit('one'), visit('two')];
    one.say(line);
    two.news();
    one.onClose(1006);
    expect(two.news()).toEqual([
      { type: 'end', stroke: 'g1.0' },
      { type: 'left', guest: 'g1' },
    ]);
  });

  it('closes on nonsense, on binary and on a flood', () => {
    const [nonsense, binary, flood] = [visit('one'), visit('two'), visit('three')];
    nonsense.say({ type: 'format disk' });
    expect(nonsense.closedWith).toBe(1003);
    binary.onMessage(Buffer.from('{"type":"undo"}'));
    expect(binary.closedWith).toBe(1003);
    for (let sent = 0; sent < 400; sent++) flood.say({ type: 'cursor', point: null });
    expect(flood.closedWith).toBeNull();
    room.tick();
    for (let sent = 0; sent < 401; sent++) flood.say({ type: 'cursor', point: null });
    expect(flood.closedWith).toBe(1008);
  });

  it('takes fifty guests, and says good-bye to all', () => {
    const guests = Array.from({ length: 50 }, (_, index) => visit(`page ${index}`));
    expect(visit('one too many').closedWith).toBe(4000);
    expect(new Set(guests[49]!.welcome.guests.map((guest) => guest.name)).size).toBe(50);
    room.close();
    expect(guests.map((guest) => guest.closedWith)).toEqual(guests.map(() => 1001));
  });
});
