import { ConfigError } from '@spawner/service';
import { readConfig } from './config.ts';

describe('readConfig', () => {
  it('has defaults for everything', () => {
    expect(readConfig({})).toMatchObject({
      httpPort: 8080,
      grpcPort: 50051,
      adminPort: 9101,
      urlScheme: 'http',
      urlPort: 8000,
      allowedOrigins: [],
      demoImage: 'spawner/demo:latest',
      schedulerAddress: '127.0.0.1:50052',
    });
  });
  it('names every problem at once', () => {
    const env = {
      SPAWNER_GATEWAY_HTTP_PORT: 'x',
      SPAWNER_GATEWAY_URL_PORT: '0',
      SPAWNER_GATEWAY_URL_SCHEME: 'ftp',
      SPAWNER_GATEWAY_ALLOWED_ORIGINS: 'https://ok.example, https://not.example/path',
      SPAWNER_GATEWAY_PORT: '1',
    };
    try {
      readConfig(env);
      throw new Error('was taken');
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as ConfigError).problems.map((problem) => problem.split(' ')[0]).sort()).toEqual([
        'SPAWNER_GATEWAY_ALLOWED_ORIGINS',
        'SPAWNER_GATEWAY_HTTP_PORT',
        'SPAWNER_GATEWAY_PORT',
        'SPAWNER_GATEWAY_URL_PORT',
        'SPAWNER_GATEWAY_URL_SCHEME',
      ]);
    }
  });
});
