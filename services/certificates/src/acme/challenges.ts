/** A TXT value that an ACME server looks up at a name (RFC 8555 §8.4). */
export interface Challenge {
  name: string;
  value: string;
}

/** Publishes challenges where ACME servers look them up. */
export interface Challenges {
  /** Publishes all of them together. Resolves when every dns server serves every one. */
  publish(challenges: readonly Challenge[], signal: AbortSignal): Promise<void>;
  /** Never rejects. A challenge that could not be removed expires. */
  remove(challenges: readonly Challenge[]): Promise<void>;
}
