import { Metadata } from '@grpc/grpc-js';
import { AppError } from '@spawner/domain';
import { fromServiceError, toStatus } from './status.ts';

const PATH = '/spawner.internal.v1.SchedulerService/GetBackend';
const received = (status: object) => fromServiceError(status, PATH, 'the scheduler');
const madeHere = (code: number, details: string) => received({ code, details, metadata: new Metadata() });

describe('fromServiceError', () => {
  it('keeps kind, message and violations of an answer of ours', () => {
    const violations = [{ field: 'spec.port', message: 'not a port' }];
    const answer = toStatus(new AppError('unavailable', 'Redis is away', { violations }), () => {});
    expect(received(answer)).toMatchObject({ code: 'unavailable', message: 'Redis is away', violations });
  });

  it('keeps the text of a missing connection, which names an address, for the log', () => {
    const error = madeHere(14, 'No connection established. Last error: connect ECONNREFUSED 10.0.0.7:50052');
    expect(error).toMatchObject({
      code: 'unavailable',
      message: 'the scheduler cannot be reached; try again',
    });
    expect(String((error.cause as Error).message)).toContain('10.0.0.7:50052');
  });

  it('keeps the text of a passed deadline for the log', () => {
    const error = madeHere(4, 'Deadline exceeded after 5.001s,remote_addr=10.0.0.7:50052');
    expect(error).toMatchObject({ code: 'deadline', message: 'there was no answer before the deadline' });
    expect(String((error.cause as Error).message)).toContain('10.0.0.7:50052');
  });

  it('keeps the text of every other error of the gRPC library', () => {
    expect(madeHere(12, 'The server does not implement it')).toMatchObject({
      code: 'unimplemented',
      message: 'The server does not implement it',
    });
  });
});
