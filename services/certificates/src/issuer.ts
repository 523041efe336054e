/** A certificate from an issuer: the chain with the leaf first, and the leaf's key (PKCS#8), both PEM. */
export interface Issued {
  chainPem: string;
  keyPem: string;
}

/** An ACME server, or the development authority. */
export interface Issuer {
  /** Certificates are stored under this name. An issuer with another name issues its own. */
  readonly name: string;
  /** Prepares what must exist from the start. Idempotent. */
  prepare?(): Promise<void>;
  /** One certificate for all these domains, with a new key. Rejects when the signal aborts. */
  issue(domains: readonly string[], signal: AbortSignal): Promise<Issued>;
}
