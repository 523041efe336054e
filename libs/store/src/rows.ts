/** The first part of the id of a row that is not a backend's. No backend id has a slash. */
export const ROWS = { drone: 'drone/', agent: 'agent/', token: 'token/' } as const;

/** The row that says that a drone is silent. */
export const droneRow = (drone: string): string => ROWS.drone + drone;

/** The row with the address of a drone's agent. */
export function agentRow(drone: string): string {
  return ROWS.agent + drone;
}

/** The row of a connection token. */
export const tokenRow = (token: string): string => ROWS.token + token;

/** The connection token of a row. Returns undefined for any other row. */
export function tokenOfRow(row: string): string | undefined {
  return row.startsWith(ROWS.token) ? row.slice(ROWS.token.length) : undefined;
}
