/** What a supervisor and its workers say to each other over Node's own channel between parent and child. */
export type ToWorker =
  /** From now on TLS sessions are sealed with these: 48 bytes in base64. */
  | { readonly kind: 'ticket keys'; readonly keys: string }
  | { readonly kind: 'tell metrics'; readonly question: number }
  /** Stop accepting, finish, end. */
  | { readonly kind: 'drain' };

export type FromWorker =
  /** Said every second: it turns, and this is what it waits for before it can serve. */
  | { readonly kind: 'state'; readonly waitingFor: readonly string[] }
  | { readonly kind: 'metrics'; readonly question: number; readonly text: string };
