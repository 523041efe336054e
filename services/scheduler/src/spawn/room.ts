/** The result of a search for a drone that found none. */
export interface Search {
  /** Drones that were looked at: those that have not renewed in time, and those that are full. */
  readonly known: number;
  readonly stale: number;
  readonly full: number;
  /** Drones that would have room if they were empty. */
  readonly enough: number;
  /** The most that any drone has, whether it is free or not. */
  readonly mostCpuMillis: number;
  readonly mostMemoryBytes: number;
}

/** The resources that a spawn reserves. */
export interface Demand {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

/** Explains why no drone has room. It says so if a demand is too large for every drone. Pure. */
export function whyNoRoom(search: Search, { cpuMillis, memoryBytes }: Demand): string {
  const { known, stale, full, enough, mostCpuMillis, mostMemoryBytes } = search;
  if (known === 0) return 'no drone is registered';
  if (full === 0 || enough > 0)
    return `no drone has room: of ${known}, ${full} are full and ${stale} have not renewed`;
  const away = stale === 0 ? '' : `; ${stale} of ${known} drones have not renewed`;
  const excess = [
    ...(cpuMillis > mostCpuMillis ? [`cpu_millis ${cpuMillis} is more than any has (${mostCpuMillis})`] : []),
    ...(memoryBytes > mostMemoryBytes
      ? [`memory_bytes ${memoryBytes} is more than any has (${mostMemoryBytes})`]
      : []),
  ];
  const both = `none has both cpu_millis ${cpuMillis} and memory_bytes ${memoryBytes}; the most are ${mostCpuMillis} and ${mostMemoryBytes}`;
  return `no drone is large enough: ${excess.length > 0 ? excess.join(', and ') : both}${away}`;
}
