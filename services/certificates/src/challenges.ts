/** A TXT value that an ACME server wants to find at a name (RFC 8555 §8.4). */
export interface Challenge {
  name: string;
  value: string;
}

/** Puts challenges where ACME servers look for them. */
export interface Challenges {
  /** All of them at once; resolves when every dns server gives out every one. */
  publish(challenges: readonly Challenge[], signal: AbortSignal): Promise<void>;
  /** Never rejects: what stays goes by itself. */
  withdraw(challenges: readonly Challenge[]): Promise<void>;
}
