import { Client, connectivityState, credentials } from '@grpc/grpc-js';

/**
 * grpc-js never abandons an attempt to connect. A peer that accepts and stays silent would hold a channel forever. While a network
 * is cut, the kernel retries after 1, 2, 4, 8 and 16 s, so the next retry may come long after the network has healed.
 */
const STUCK_MS = 4_000;

/**
 * A gRPC channel that is replaced after 4 s of CONNECTING (grpc-node#2785). The target is anything that gRPC resolves:
 * `host:port`, `dns:///name:port`, `ipv4:a:1,b:2`.
 */
export class Channel {
  readonly target: string;
  #client: Client;
  #connectingSince: number | undefined;
  readonly #now: () => number;

  constructor(target: string, now: () => number = () => performance.now()) {
    this.target = target;
    this.#now = now;
    this.#client = this.#open();
  }

  /** The client for the next call. */
  client(): Client {
    const connecting = this.#client.getChannel().getConnectivityState(false) === connectivityState.CONNECTING;
    if (!connecting) this.#connectingSince = undefined;
    else this.#connectingSince ??= this.#now();
    if (this.#connectingSince !== undefined && this.#now() - this.#connectingSince > STUCK_MS) {
      this.#client.close();
      this.#client = this.#open();
      this.#connectingSince = undefined;
    }
    return this.#client;
  }

  close(): void {
    this.#client.close();
  }

  #open(): Client {
    return new Client(this.target, credentials.createInsecure(), {
      // Without calls too: otherwise the first call after a network cut would be the one to find out.
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.max_receive_message_length': 16 * 1024 * 1024,
      // Reconnects quickly after a peer's restart.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    });
  }
}
