import { readConfig } from '../config.ts';
import { accessSetting } from './setting.ts';

describe('the setting of the access log', () => {
  it('is one of four kinds', () => {
    expect(accessSetting('off')).toEqual({ kind: 'off' });
    expect(accessSetting('errors')).toEqual({ kind: 'errors' });
    expect(accessSetting('all')).toEqual({ kind: 'sampled', oneOf: 1 });
    expect(accessSetting('1/1')).toEqual({ kind: 'sampled', oneOf: 1 });
    expect(accessSetting('1/1000000')).toEqual({ kind: 'sampled', oneOf: 1_000_000 });
  });

  it.each(['', 'on', '1/0', '1/-2', '2/3', '1/1.5', '0.1', '1/1000001', '1/10 ', 'ALL'])(
    'is not %j',
    (text) => {
      expect(accessSetting(text)).toBeUndefined();
    },
  );

  it('is off where nothing is said, and says what it may be where it is wrong', () => {
    expect(readConfig({}).accessLog).toEqual({ kind: 'off' });
    expect(() => readConfig({ SPAWNER_PROXY_ACCESS_LOG: '1/0' })).toThrow(
      'SPAWNER_PROXY_ACCESS_LOG must be off, errors, all, or 1/N with N a whole number from 1 to 1000000, not "1/0"',
    );
  });
});
