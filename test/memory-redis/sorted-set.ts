export interface Scored {
  readonly member: string;
  readonly score: number;
}

export interface Bound {
  value: number;
  exclusive: boolean;
}

/** Members in the order of their scores, and of their bytes where scores are equal. */
export class SortedSet {
  readonly #scores = new Map<string, number>();
  #order: Scored[] = [];

  get size(): number {
    return this.#order.length;
  }

  score(member: string): number | undefined {
    return this.#scores.get(member);
  }

  /** Returns whether that changed anything. */
  put(member: string, score: number): boolean {
    const before = this.#scores.get(member);
    if (before === score) return false;
    if (before !== undefined) this.#order.splice(this.#place(before, member), 1);
    this.#scores.set(member, score);
    this.#order.splice(this.#place(score, member), 0, { member, score });
    return true;
  }

  remove(member: string): boolean {
    const score = this.#scores.get(member);
    if (score === undefined) return false;
    this.#scores.delete(member);
    this.#order.splice(this.#place(score, member), 1);
    return true;
  }

  /** By rank, `to` excluded. */
  slice(from: number, to: number): Scored[] {
    return this.#order.slice(from, to);
  }

  /** The ranks between two scores, the second rank excluded. */
  between(low: Bound, high: Bound): [from: number, to: number] {
    const from = this.#firstWhere(({ score }) => (low.exclusive ? score > low.value : score >= low.value));
    const to = this.#firstWhere(({ score }) => (high.exclusive ? score >= high.value : score > high.value));
    return [from, Math.max(from, to)];
  }

  clone(): SortedSet {
    const copy = new SortedSet();
    for (const [member, score] of this.#scores) copy.#scores.set(member, score);
    copy.#order = [...this.#order];
    return copy;
  }

  #place(score: number, member: string): number {
    return this.#firstWhere(
      (other) => other.score > score || (other.score === score && other.member >= member),
    );
  }

  /** The first rank that has `reached`, which all later ranks have too. */
  #firstWhere(reached: (entry: Scored) => boolean): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (reached(this.#order[middle] as Scored)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
