/**
 * Drawing with mouse, pen and fingers. A stroke is on one's own paper at once; its points travel in small batches.
 * Every finger draws a stroke of its own.
 */
const BATCH_MS = 33;
const NEAREST_PX = 1.5;
/** The server takes 2,000 points per stroke; a longer line continues as another stroke. */
const LONGEST = 1_900;

export class Pen {
  colour = 'ink';
  width = 7;
  author = '';
  nextStroke = 0;

  #surface;
  #paper;
  #send;
  #strokes = new Map();
  #timer = 0;
  #cursor = null;

  constructor(surface, paper, send) {
    this.#surface = surface;
    this.#paper = paper;
    this.#send = send;
    surface.addEventListener('pointerdown', (event) => this.#down(event));
    surface.addEventListener('pointermove', (event) => this.#move(event));
    for (const name of ['pointerup', 'pointercancel']) {
      surface.addEventListener(name, (event) => this.#up(event));
    }
    surface.addEventListener('pointerleave', () => this.#point(null));
    surface.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  /** Lets go of what is in hand: the line is lost, and with it who we were. */
  drop() {
    for (const stroke of this.#strokes.values()) this.#paper.end(stroke.id);
    this.#strokes.clear();
  }

  #down(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    document.activeElement?.blur();
    const point = this.#paper.toBoard(event.clientX, event.clientY);
    if (!this.#begin(event.pointerId, point)) return;
    this.#surface.setPointerCapture(event.pointerId);
    this.#point(point);
  }

  #begin(pointer, point) {
    const { colour, width, author } = this;
    const number = this.nextStroke;
    if (!this.#send({ type: 'begin', stroke: number, colour, width, point })) return false;
    this.nextStroke += 1;
    const id = `${author}.${number}`;
    this.#strokes.set(pointer, { id, number, last: point, pending: [], count: 1 });
    this.#paper.begin({ id, author, colour, width, points: [...point], ended: false });
    return true;
  }

  #move(event) {
    this.#point(this.#paper.toBoard(event.clientX, event.clientY));
    if (!this.#strokes.has(event.pointerId)) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const { clientX, clientY } of events.length > 0 ? events : [event]) {
      this.#add(event.pointerId, this.#paper.toBoard(clientX, clientY));
    }
  }

  #add(pointer, point) {
    const stroke = this.#strokes.get(pointer);
    const distance = Math.hypot(point[0] - stroke.last[0], point[1] - stroke.last[1]);
    if (distance * this.#paper.scale < NEAREST_PX) return;
    stroke.last = point;
    stroke.count += 1;
    stroke.pending.push(...point);
    this.#paper.extend(stroke.id, point);
    if (stroke.count < LONGEST) return;
    this.#end(pointer);
    this.#begin(pointer, point);
  }

  #up(event) {
    if (this.#strokes.has(event.pointerId)) this.#end(event.pointerId);
    if (event.pointerType === 'touch') this.#point(null);
  }

  #end(pointer) {
    this.#flush();
    const { id, number } = this.#strokes.get(pointer);
    this.#strokes.delete(pointer);
    this.#send({ type: 'end', stroke: number });
    this.#paper.end(id);
  }

  #point(point) {
    this.#cursor = { point };
    this.#timer ||= setTimeout(() => this.#flush(), BATCH_MS);
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    for (const { number, pending } of this.#strokes.values()) {
      while (pending.length > 0) {
        this.#send({ type: 'extend', stroke: number, points: pending.splice(0, 1_000) });
      }
    }
    if (this.#cursor) this.#send({ type: 'cursor', point: this.#cursor.point });
    this.#cursor = null;
  }
}
