import { type Logger, pino, stdSerializers } from 'pino';
import { currentTraceId } from './tracing.ts';

export type Log = Logger;

/** JSON lines on standard output, each with the service's name and, inside a span, its trace id. */
export function createLog(service: string, level: string): Log {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { error: stdSerializers.errWithCause },
    errorKey: 'error',
    mixin: () => {
      const traceId = currentTraceId();
      return traceId === undefined ? {} : { trace_id: traceId };
    },
  });
}

/** The same configuration with every secret masked, for the one line that a start logs. */
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
