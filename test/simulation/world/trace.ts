/** The notes of a world, hashed into one number that two runs of a seed must share, and kept as lines on request. */
export class Trace {
  readonly lines: string[] = [];
  readonly #telling: boolean;
  readonly #words = new Map<string, number>();
  #hash = 0x811c9dc5;
  #events = 0;

  constructor(telling: boolean) {
    this.#telling = telling;
  }

  /** Eight hexadecimal digits over every note so far. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  get events(): number {
    return this.#events;
  }

  note(at: number, what: string, who: string, whom = ''): void {
    this.#events++;
    this.#mix(Math.floor(at * 1_000) | 0);
    this.#mix(this.#word(what));
    this.#mix(this.#word(who));
    if (whom !== '') this.#mix(this.#word(whom));
    if (this.#telling) this.lines.push(`${(at / 1_000).toFixed(6).padStart(12)} ${what} ${who} ${whom}`);
  }

  /** FNV-1a over words of 32 bits. */
  #mix(word: number): void {
    this.#hash = Math.imul(this.#hash ^ word, 0x01000193);
  }

  #word(text: string): number {
    let word = this.#words.get(text);
    if (word === undefined) {
      word = 0x811c9dc5;
      for (let at = 0; at < text.length; at++) word = Math.imul(word ^ text.charCodeAt(at), 0x01000193);
      this.#words.set(text, word);
    }
    return word;
  }
}
