import { ErrorReply } from './errors.ts';

/** The answer of a command inside this package: strings are bytes, kept as latin1; null is the nil bulk string. */
export type Reply = null | number | string | Status | Reply[];

/** A simple string, such as OK. */
export class Status {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export const OK = new Status('OK');

export const wrongType = () =>
  new ErrorReply('WRONGTYPE Operation against a key holding the wrong kind of value');
export const syntaxError = () => new ErrorReply('ERR syntax error');
export const notAnInteger = () => new ErrorReply('ERR value is not an integer or out of range');

const BEYOND_ASCII = /[^\0-\x7f]/;

/** Bytes as a latin1 string. */
export function bytesOf(argument: string | Buffer): string {
  if (typeof argument !== 'string') return argument.toString('latin1');
  return BEYOND_ASCII.test(argument) ? Buffer.from(argument, 'utf8').toString('latin1') : argument;
}
