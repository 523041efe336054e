/**
 * The strokes on the board, in the order in which they were begun. Beyond its limits the board forgets the oldest strokes. Each
 * method returns the changes that its caller must pass on. Coordinates are in board units, (0, 0) in the middle.
 */
export const COLOURS = ['ink', 'blue', 'teal', 'green', 'amber', 'coral', 'rose', 'violet'] as const;
export type Colour = (typeof COLOURS)[number];

export const WIDTHS = [3, 7, 16] as const;
export type Width = (typeof WIDTHS)[number];

export interface Stroke {
  id: string;
  author: string;
  colour: Colour;
  width: Width;
  /** x, y, x, y, … */
  points: number[];
  ended: boolean;
}

export interface BoardLimits {
  strokes: number;
  points: number;
  pointsPerStroke: number;
}

export const BOARD_LIMITS: BoardLimits = { strokes: 2_000, points: 100_000, pointsPerStroke: 2_000 };

export class Board {
  readonly #limits: BoardLimits;
  readonly #strokes = new Map<string, Stroke>();
  #points = 0;

  constructor(limits: BoardLimits = BOARD_LIMITS) {
    this.#limits = limits;
  }

  get strokes(): Stroke[] {
    return [...this.#strokes.values()];
  }

  /** Adds a stroke of one point; returns the ids forgotten to make room, or null if the id is taken. */
  begin(stroke: Pick<Stroke, 'id' | 'author' | 'colour' | 'width'>, x: number, y: number): string[] | null {
    if (this.#strokes.has(stroke.id)) return null;
    this.#strokes.set(stroke.id, { ...stroke, points: [x, y], ended: false });
    this.#points += 1;
    return this.#forgetOldest(stroke.id);
  }

  /** Continues a stroke; returns the ids forgotten to make room, or null if that stroke cannot grow. */
  extend(id: string, points: readonly number[]): string[] | null {
    const stroke = this.#strokes.get(id);
    if (!stroke || stroke.ended) return null;
    if ((stroke.points.length + points.length) / 2 > this.#limits.pointsPerStroke) return null;
    stroke.points.push(...points);
    this.#points += points.length / 2;
    return this.#forgetOldest(id);
  }

  /** Ends a stroke. Returns false if there is none to end. */
  end(id: string): boolean {
    const stroke = this.#strokes.get(id);
    if (!stroke || stroke.ended) return false;
    stroke.ended = true;
    return true;
  }

  /** Ends the open strokes of an author. Returns their ids. */
  endAll(author: string): string[] {
    return this.strokes
      .filter((stroke) => stroke.author === author && this.end(stroke.id))
      .map((stroke) => stroke.id);
  }

  /** Removes an author's latest stroke. Returns its id, or null if none is left. */
  undo(author: string): string | null {
    const latest = this.strokes.findLast((stroke) => stroke.author === author);
    if (!latest) return null;
    this.#remove(latest);
    return latest.id;
  }

  clear(): void {
    this.#strokes.clear();
    this.#points = 0;
  }

  #forgetOldest(keep: string): string[] {
    const forgotten: string[] = [];
    for (const stroke of this.#strokes.values()) {
      if (this.#strokes.size <= this.#limits.strokes && this.#points <= this.#limits.points) break;
      if (stroke.id === keep) continue;
      this.#remove(stroke);
      forgotten.push(stroke.id);
    }
    return forgotten;
  }

  #remove(stroke: Stroke): void {
    this.#strokes.delete(stroke.id);
    this.#points -= stroke.points.length / 2;
  }
}
