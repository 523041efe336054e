import { AppError, isAppError, refuseViolations } from '@spawner/domain';
import { requestTypeOf, unsafeIntegers } from '@spawner/proto';
import type { MethodDefinition, ServiceDefinition } from './service.ts';

/**
 * grpc-js answers INTERNAL to an unreadable request, such as one with a 64-bit integer beyond 2^53. Here such a request is read as
 * empty, with its fault beside it, and `refuseUnreadable` throws that as `invalid` with the field's name.
 */
const faults = new WeakMap<object, AppError>();

/** The definition, with requests that can always be read. */
export function strictRequests<D extends ServiceDefinition>(definition: D): D {
  const methods = Object.entries(definition).map(([name, method]) => [name, strict(method)]);
  return Object.fromEntries(methods) as D;
}

/** Throws the fault of this request's bytes, if it has one. */
export function refuseUnreadable(request: object): void {
  const fault = faults.get(request);
  if (fault) throw fault;
}

function strict(method: MethodDefinition): MethodDefinition {
  return {
    ...method,
    requestDeserialize: (bytes) => {
      try {
        return method.requestDeserialize(bytes);
      } catch (cause) {
        const empty = method.requestDeserialize(Buffer.alloc(0)) as object;
        faults.set(empty, faultOf(method.path, bytes, cause));
        return empty;
      }
    },
  };
}

function faultOf(path: string, bytes: Buffer, cause: unknown): AppError {
  const typeName = requestTypeOf(path);
  try {
    const message = `must be a whole number from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`;
    refuseViolations(unsafeIntegers(typeName, bytes).map((field) => ({ field, message })));
  } catch (error) {
    if (isAppError(error, 'invalid')) return error;
  }
  return new AppError('invalid', `the request is not a ${typeName}`, { cause });
}
