/** A drone's disk: it outlives its agent, and every write is whole. */
export class MemoryFiles {
  readonly #texts = new Map<string, string>();
  readonly #folders = new Map<string, MemoryFiles>();

  below(name: string): MemoryFiles {
    const folder = this.#folders.get(name) ?? new MemoryFiles();
    this.#folders.set(name, folder);
    return folder;
  }

  read(name: string): string | undefined {
    return this.#texts.get(name);
  }

  write(name: string, text: string): void {
    this.#texts.set(name, text);
  }

  async flush(): Promise<void> {}

  append(name: string, text: string): void {
    this.#texts.set(name, (this.#texts.get(name) ?? '') + text);
  }

  remove(name: string): void {
    this.#texts.delete(name);
    this.#folders.delete(name);
  }

  setAside(name: string): void {
    this.#texts.set(`${name}.bad`, this.#texts.get(name) ?? '');
    this.#texts.delete(name);
  }

  names(): string[] {
    return [...this.#texts.keys(), ...this.#folders.keys()];
  }
}
