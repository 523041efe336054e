/** The messages between browser and board, one JSON object each. */
import { COLOURS, type Colour, type Stroke, WIDTHS, type Width } from './board.ts';
import type { Guest } from './guests.ts';

export type Point = [x: number, y: number];

export type ClientMessage =
  | { type: 'begin'; stroke: number; colour: Colour; width: Width; point: Point }
  | { type: 'extend'; stroke: number; points: number[] }
  | { type: 'end'; stroke: number }
  | { type: 'cursor'; point: Point | null }
  | { type: 'undo' }
  | { type: 'clear' };

export type ServerMessage =
  | { type: 'welcome'; you: string; guests: Guest[]; strokes: Stroke[]; nextStroke: number; session: string }
  | { type: 'joined'; guest: Guest }
  | { type: 'left'; guest: string }
  | { type: 'begin'; stroke: Stroke }
  | { type: 'extend'; stroke: string; points: number[] }
  | { type: 'end'; stroke: string }
  | { type: 'removed'; strokes: string[] }
  | { type: 'cleared'; guest: string }
  | { type: 'cursor'; guest: string; point: Point | null };

/** The largest coordinate, in board units from the middle. */
const EDGE = 4_000;
const MAX_COORDINATES = 1_000;

/** The message in a text, with every field checked. Returns null if it is none. */
export function parseMessage(text: string): ClientMessage | null {
  const raw = parseObject(text);
  switch (raw?.type) {
    case 'begin': {
      const stroke = strokeNumber(raw.stroke);
      const colour = COLOURS.find((name) => name === raw.colour);
      const width = WIDTHS.find((value) => value === raw.width);
      const point = coordinates(raw.point, 2);
      if (stroke === null || !colour || !width || !point) return null;
      return { type: 'begin', stroke, colour, width, point: [point[0]!, point[1]!] };
    }
    case 'extend': {
      const stroke = strokeNumber(raw.stroke);
      const points = coordinates(raw.points, MAX_COORDINATES);
      return stroke === null || !points ? null : { type: 'extend', stroke, points };
    }
    case 'end': {
      const stroke = strokeNumber(raw.stroke);
      return stroke === null ? null : { type: 'end', stroke };
    }
    case 'cursor': {
      if (raw.point === null) return { type: 'cursor', point: null };
      const point = coordinates(raw.point, 2);
      return point ? { type: 'cursor', point: [point[0]!, point[1]!] } : null;
    }
    case 'undo':
    case 'clear':
      return { type: raw.type };
    default:
      return null;
  }
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function strokeNumber(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** Pairs of numbers inside the board, to a tenth of a unit. */
function coordinates(value: unknown, most: number): number[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > most || value.length % 2 !== 0)
    return null;
  if (!value.every((item): item is number => Number.isFinite(item))) return null;
  return value.map((item) => Math.round(Math.min(Math.max(item, -EDGE), EDGE) * 10) / 10);
}
