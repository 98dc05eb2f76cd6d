// kong/openapi.yaml says what the plugin does; `npm run check:openapi` lints it.
import { Ajv2020 } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import {
  PROBLEMS,
  problemType,
  type ProblemCode,
} from '../../../plugins/async-request-reply/errors/problem-catalog';
import { AsyncError } from '../../../plugins/async-request-reply/errors/async-error';
import { problemReply } from '../../../plugins/async-request-reply/errors/problem-reply';
import { newJobId } from '../../../plugins/async-request-reply/jobs/job-id';
import { JOB_STATES, parseJobRecord } from '../../../plugins/async-request-reply/jobs/job-record';
import { statusBody } from '../../../plugins/async-request-reply/jobs/status-body';
import { resolveConfig } from '../../../schemas/resolve-config';
import { readText } from './files';

interface Document {
  components: {
    schemas: Record<string, { enum?: string[]; properties?: Record<string, { enum?: string[] }> }>;
    parameters: Record<string, { name: string; in: string }>;
    responses: Record<string, { description: string }>;
    callbacks: Record<string, Record<string, unknown>>;
  };
  paths: Record<string, Record<string, { responses?: Record<string, { $ref?: string }> }>>;
}

const text = readText('kong/openapi.yaml');
const document = parse(text) as Document;
const { schemas, parameters, responses, callbacks } = document.components;
const codes = Object.keys(PROBLEMS) as ProblemCode[];

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema({ $id: 'openapi', components: document.components });
const errorsOf = (name: string, value: unknown): unknown => {
  const check = ajv.getSchema(`openapi#/components/schemas/${name}`);
  return check?.(value) === true ? [] : (check?.errors ?? 'no such schema');
};

test('knows every problem, and no other', () => {
  expect([...(schemas['ProblemType']?.enum ?? [])].sort()).toEqual(codes.map(problemType).sort());
});

/** Of the plugin's own ways between Kong, plugin server and worker: no client has a part in them. */
const INTERNAL: readonly ProblemCode[] = ['handoff-refused', 'loopback-refused', 'loopback-late'];

test.each(codes.filter((code) => !INTERNAL.includes(code)))('tells of %s under its status', (code) => {
  const { status } = PROBLEMS[code];
  const refs = Object.values(document.paths)
    .flatMap((path) => Object.values(path))
    .flatMap(({ responses: told }) => told?.[String(status)]?.$ref ?? []);
  const told = refs.map((ref) => responses[ref.split('/').at(-1) ?? '']?.description ?? '');
  expect(told.some((description) => description.includes(`\`${code}\``))).toBe(true);
  const reply = problemReply(new AsyncError(code, { detail: 'd' }), []);
  expect(errorsOf('Problem', JSON.parse(reply.body.toString()))).toEqual([]);
});

test('knows every state', () => {
  expect(schemas['JobStatus']?.properties?.['state']?.enum).toEqual([...JOB_STATES]);
});

test.each([
  ['a job that waits', { state: 'queued', attempts: '0', created_at: '1', expires_at: '2' }],
  [
    'a job that failed',
    {
      state: 'failed',
      attempts: '3',
      created_at: '1',
      started_at: '2',
      settled_at: '3',
      expires_at: '4',
      upstream_status: '503',
      error_code: 'upstream-failed',
      error_detail: 'd',
      error_proxy: 'x',
    },
  ],
])('describes the status body of %s', (_what, fields) => {
  const record = parseJobRecord(newJobId(), fields);
  if (record === undefined) throw new Error('no record');
  const body = statusBody(record, { status: '/a?async-id=x', result: '/a?async-id=x&async-view=result' }, 1);
  expect(errorsOf('JobStatus', JSON.parse(body.toString()))).toEqual([]);
});

test('names headers and query arguments as the configuration does by default', () => {
  const config = resolveConfig({});
  expect(Object.values(parameters).map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      config.id_header,
      config.id_query,
      config.result_query,
      'Prefer',
      config.idempotency.header,
      config.callback.header,
    ]),
  );
  expect(Object.keys(callbacks['JobSettled'] ?? {})).toEqual([`{$request.header.${config.callback.header}}`]);
});
