/** The most addresses that a hint names. */
const MOST = 5;

/**
 * The fact that helps with a start that got no answer: the port, and the addresses at which the kernel sees the program listen.
 * They are undefined if it cannot be asked. Pure.
 */
export function startHint(port: number, listeners: readonly string[] | undefined): string {
  const must = `it must listen on 0.0.0.0:${port}, the port in $PORT`;
  if (listeners === undefined) return must;
  if (listeners.length === 0) return `the program listens on no port; ${must}`;
  const more = listeners.length - MOST;
  const named = `${listeners.slice(0, MOST).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const reachable = [`0.0.0.0:${port}`, `[::]:${port}`].some((address) => listeners.includes(address));
  return reachable ? `the program listens on ${named}` : `the program listens on ${named}; ${must}`;
}
