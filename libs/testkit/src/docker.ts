import { dockerAnswers } from './docker-api.ts';
import { startDockerDaemon } from './docker-daemon.ts';

export interface Docker extends AsyncDisposable {
  socketPath: string;
  stop(): Promise<void>;
}

const USUAL_SOCKET = '/var/run/docker.sock';

/**
 * A Docker Engine to test with: the one that SPAWNER_TEST_DOCKER_SOCKET names, else the machine's, else one of our own
 * that ends with `stop`. It may be shared with others: look only at what bears your cluster's label.
 */
export async function startDocker(): Promise<Docker> {
  const named = process.env.SPAWNER_TEST_DOCKER_SOCKET;
  if (named) return shared(named);
  if (await dockerAnswers(USUAL_SOCKET)) return shared(USUAL_SOCKET);
  return startDockerDaemon();
}

function shared(socketPath: string): Docker {
  const stop = async () => {};
  return { socketPath, stop, [Symbol.asyncDispose]: stop };
}
