/** The command line options of a benchmark. */
export interface Options {
  /** Fewer and shorter rounds: all benchmarks together take under ten minutes. */
  quick: boolean;
  /** Another checkout, whose proxy is measured beside ours. */
  against?: string;
  /** Only the works whose name contains this text. */
  work?: string;
}

export type Figures = Readonly<Record<string, number | string>>;
export type Benchmark = (options: Options) => Promise<Figures>;
