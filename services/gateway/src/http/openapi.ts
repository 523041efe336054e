import { jsonSchemas, type Schema, schemaRef } from '@spawner/proto';
import { messageOf } from '../requests.ts';
import { type Parameter, ROUTES, type Route } from './routes.ts';
import { ALWAYS } from './shapes.ts';

const BACKEND_ID = '^[a-z2-7]{26}$';
const NODE_ID = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$';
const SHOWN_IN_STREAMS = ['spawner.v1.Backend', 'spawner.v1.TailLogsResponse'];

/** The HTTP API as an OpenAPI 3.1 document, made from the route table and the contract's own descriptors. */
export function openApi(): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const route of ROUTES)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Spawner',
      version: 'v1',
      description: 'Session-lived backends. The same over gRPC: spawner.v1 in proto/.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths,
    components: {
      schemas: { ...jsonSchemas([...messagesOf(ROUTES), ...SHOWN_IN_STREAMS], ALWAYS), Error: ERROR },
      responses: {
        Error: { description: 'What went wrong', content: jsonOf({ $ref: '#/components/schemas/Error' }) },
      },
    },
  };
}

const ERROR: Schema = {
  type: 'object',
  required: ['code', 'message', 'details'],
  properties: {
    code: { type: 'string', description: 'Name of a gRPC status, for instance INVALID_ARGUMENT' },
    message: { type: 'string' },
    details: {
      type: 'array',
      description: 'One entry for each wrong field',
      items: {
        type: 'object',
        required: ['field', 'message'],
        properties: { field: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
};

function operation(route: Route): Schema {
  const pattern = route.path.startsWith('/v1/drones/') ? NODE_ID : BACKEND_ID;
  const id = { name: 'id', in: 'path', required: true, schema: { type: 'string', pattern } };
  return {
    operationId: route.operation,
    summary: route.summary,
    parameters: [...(route.path.includes('{id}') ? [id] : []), ...(route.query ?? []).map(queryParameter)],
    ...(route.body
      ? { requestBody: { required: true, content: jsonOf(schemaRef(messageOf(route.operation, 'Request'))) } }
      : {}),
    responses: {
      [route.status]: answer(route),
      ...(route.also ? { [route.also.status]: other(route, route.also) } : {}),
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

function queryParameter({ name, type, repeated, description }: Parameter): Schema {
  const schema = repeated ? { type: 'array', items: { type } } : { type };
  return { name, in: 'query', description, schema };
}

function answer({ operation, stream, summary }: Route): Schema {
  if (!stream) return { description: summary, content: jsonOf(schemaRef(messageOf(operation, 'Response'))) };
  const content = stream.contentTypes.map((type) => [type, { schema: { type: 'string' } }]);
  return { description: stream.description, content: Object.fromEntries(content) };
}

/** The same at another status; 204 has no body (RFC 9110, section 15.3.5). */
function other(route: Route, { status, when }: NonNullable<Route['also']>): Schema {
  return status === 204 ? { description: when } : { ...answer(route), description: when };
}

function messagesOf(routes: readonly Route[]): string[] {
  return routes.flatMap(({ operation, body, stream }) => [
    ...(body ? [messageOf(operation, 'Request')] : []),
    ...(stream ? [] : [messageOf(operation, 'Response')]),
  ]);
}

function jsonOf(schema: Schema): Schema {
  return { 'application/json': { schema } };
}
