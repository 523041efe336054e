interface Pull {
  readonly done: Promise<void>;
  readonly abandon: AbortController;
  callers: number;
}

/** Pulls that are shared by all callers that want the same. A pull is abandoned when the last of them has left. */
export class SharedPulls {
  readonly #running = new Map<string, Pull>();

  /** Joins the pull of this name, or begins it with `work`. Settles as `work` does, or rejects when the caller's signal aborts. */
  async join(name: string, work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const pull = this.#running.get(name) ?? this.#begin(name, work);
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    pull.callers += 1;
    try {
      await Promise.race([pull.done, left]);
    } finally {
      signal.removeEventListener('abort', leave);
      pull.callers -= 1;
      if (pull.callers === 0) {
        if (this.#running.get(name) === pull) this.#running.delete(name);
        pull.abandon.abort(new Error('nothing waits for the pull'));
      }
    }
  }

  #begin(name: string, work: (signal: AbortSignal) => Promise<void>): Pull {
    const abandon = new AbortController();
    const pull = { done: work(abandon.signal), abandon, callers: 0 };
    this.#running.set(name, pull);
    return pull;
  }
}
