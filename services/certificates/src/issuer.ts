/** A certificate as it comes from an issuer: the chain with the leaf first, and the leaf's key (PKCS#8), both PEM. */
export interface Issued {
  chainPem: string;
  keyPem: string;
}

/** Somebody who gives certificates: an ACME server, or an authority of our own. */
export interface Issuer {
  /** Certificates of one name are exchangeable; under another name a new one is wanted. */
  readonly name: string;
  /** What has to be there from the start, if anything. Done again it changes nothing. */
  prepare(): Promise<void>;
  /** One certificate for all these domains, with a new key. Rejects when the signal aborts. */
  issue(domains: readonly string[], signal: AbortSignal): Promise<Issued>;
}
