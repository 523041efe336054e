/** The command line options of a benchmark. */
export interface Options {
  /** Fewer and shorter rounds: the goal is under ten minutes for all benchmarks together. */
  quick: boolean;
  /** Another checkout, whose proxy is measured beside ours. */
  against?: string;
  /** Only the works whose name contains this text. */
  work?: string;
}

export type Figures = Readonly<Record<string, number | string>>;
export type Benchmark = (options: Options) => Promise<Figures>;
