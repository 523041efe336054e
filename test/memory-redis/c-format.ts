/**
 * Numbers as C's printf writes them, as Redis and its Lua do. JavaScript rounds an exact tie up, C to the even digit: 12.5 is
 * "12" with %.0f, and a load of 12.5 thousandths is an everyday number here.
 */
import { HarnessError } from './errors.ts';

/** `%.<precision>g`: Lua's own conversion is precision 14, Redis's 17. */
export function general(x: number, precision: number): string {
  if (Number.isSafeInteger(x) && Math.abs(x) < 10 ** precision) return Object.is(x, -0) ? '-0' : `${x}`;
  if (Number.isNaN(x)) throw new HarnessError('a NaN has no text that is the same everywhere');
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  const sign = x < 0 ? '-' : '';
  const { digits, exponent } = significant(Math.abs(x), precision);
  const bare = digits.replace(/0+$/, '') || '0';
  if (exponent < -4 || exponent >= precision) {
    const fraction = bare.length > 1 ? `.${bare.slice(1)}` : '';
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${bare[0]}${fraction}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${bare}`;
  const whole = bare.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = bare.slice(exponent + 1);
  return sign + (fraction === '' ? whole : `${whole}.${fraction}`);
}

/** `%.0f`, for numbers below 1e21 in size. */
export function whole(x: number): string {
  if (Number.isSafeInteger(x) && x !== 0) return `${x}`;
  if (Number.isNaN(x)) throw new HarnessError('a NaN has no text that is the same everywhere');
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  if (Math.abs(x) >= 1e21) throw new HarnessError(`${x} is too large to be written out`);
  const [sign, size] = [x < 0 || Object.is(x, -0) ? '-' : '', Math.abs(x)];
  const below = Math.floor(size);
  const isTie = size - below === 0.5;
  return sign + (isTie ? below + (below % 2) : size).toFixed(0);
}

/** The first `count` significant digits of a positive number, rounded half to even, and its decimal exponent. */
function significant(x: number, count: number): { digits: string; exponent: number } {
  const [mantissa = '', power = '0'] = x.toExponential(100).split('e');
  const all = mantissa.replace('.', '');
  const kept = all.slice(0, count);
  const rest = all.slice(count);
  const half = `5${'0'.repeat(rest.length - 1)}`;
  const up = rest > half || (rest === half && Number(kept.at(-1)) % 2 === 1);
  const digits = up ? String(BigInt(kept) + 1n) : kept;
  if (digits.length > count) return { digits: digits.slice(0, count), exponent: Number(power) + 1 };
  return { digits, exponent: Number(power) };
}
