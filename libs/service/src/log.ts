import { type Logger, type LoggerOptions, pino, stdSerializers } from 'pino';
import { currentTraceId } from './tracing.ts';

export type Log = Logger;

// A broken output pipe must not stop the service; the lines are lost.
if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => {});

/** JSON lines on standard output, each with the service's name, these fields and, inside a span, its trace id. */
export function createLog(
  service: string,
  level: string,
  fields: Readonly<Record<string, string>> = {},
): Log {
  const options: LoggerOptions = {
    level,
    base: { service, ...fields },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { error: stdSerializers.errWithCause },
    errorKey: 'error',
    mixin: () => {
      const traceId = currentTraceId();
      return traceId === undefined ? {} : { trace_id: traceId };
    },
  };
  return pino(options, process.stdout);
}

/** The configuration with every secret masked, for the log line of a start. */
export function masked(config: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      if (/secret|token|password|credential|hmac/i.test(name) && value) return [name, '***'];
      if (typeof value === 'string' && URL.canParse(value))
        return [name, value.replace(/\/\/[^@/]*@/, '//***@')];
      return [name, value];
    }),
  );
}
