import { connect } from 'node:net';

/** Opens a TCP connection to the port of this machine, sends `text`, and resolves with the first chunk that comes back; 2 s at most. */
export function ask(port: number, text: string, address = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: address, timeout: 2_000 });
    socket.setEncoding('utf8');
    socket.once('connect', () => socket.write(text));
    socket.once('data', (answer: string) => {
      socket.destroy();
      resolve(answer);
    });
    socket.once('timeout', () => socket.destroy(new Error(`nothing came from port ${port} within 2 s`)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`port ${port} closed the connection without a word`)));
  });
}
