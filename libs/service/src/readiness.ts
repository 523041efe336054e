/** A check for `App.readyWhen`: the service is not ready, and reports `what`, until `isReady` returns true. */
export function needs(what: string, isReady: () => boolean): () => string | undefined {
  return () => (isReady() ? undefined : what);
}
