/** An open port that answers DNS. */
export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}
