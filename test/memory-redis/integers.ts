import { ErrorReply, HarnessError } from './errors.ts';
import { notAnInteger } from './reply.ts';

/** A decimal integer as Redis takes it: digits alone, no `-0`, no leading zeros. */
export function integer(text: string, problem: () => ErrorReply = notAnInteger): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && String(value) === text) return value;
  if (/^-?[1-9]\d{0,18}$/.test(text))
    throw new HarnessError(`${text} is beyond the integers that this store keeps exactly`);
  throw problem();
}

/** A sum within the integers that a double holds. */
export function sum(a: number, b: number): number {
  const result = a + b;
  if (!Number.isSafeInteger(result))
    throw new HarnessError(`${a} + ${b} is beyond the integers that this store keeps exactly`);
  return result;
}

const FLOAT = /^[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|inf(?:inity)?)$/i;

/** A score. Returns undefined if the text is none. */
export function float(text: string): number | undefined {
  const value = Number(text);
  if (Number.isFinite(value) && String(value) === text) return value;
  if (!FLOAT.test(text)) return undefined;
  if (/inf/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return value;
}

/** An argument that must not be negative, such as BLOCK. */
export function natural(text: string, problem: string): number {
  const value = integer(text);
  if (value < 0) throw new ErrorReply(problem);
  return value;
}
