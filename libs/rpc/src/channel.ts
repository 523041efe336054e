import { Client, connectivityState, credentials } from '@grpc/grpc-js';

/**
 * grpc-js never gives up setting a connection up: a peer that accepts and says nothing would hold a channel for ever, and while a
 * network is cut the kernel asks at ever longer intervals (1, 2, 4, 8, 16 s), the next of which may come long after it has healed.
 */
const STUCK_MS = 4_000;

/**
 * A gRPC channel that is made anew when it has been CONNECTING for 4 s (grpc-node#2785). The target is
 * any that gRPC resolves: `host:port`, `dns:///name:port`, `ipv4:a:1,b:2`.
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

  /** The client to make a call with, now. */
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
      // Also while nothing is asked: after a cut network the first call would find out, too late for itself.
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.max_receive_message_length': 16 * 1024 * 1024,
      // Quick to come back after a peer's restart.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    });
  }
}
