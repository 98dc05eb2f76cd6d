// The command line: defines the subcommands and the modules that carry them out.
import type { Command, OptionValues } from 'commander';
import { newProgram } from '../process/program';
import type { AdminContext } from './admin-context';
import { parseCount, parseDuration, parseOwner, parseStates } from './arguments';
import { redisNowMs } from './admin-context';
import { cancelJob } from './cancel-job';
import { consentOf } from './consent';
import { listJobs } from './list-jobs';
import { listQueues, setPaused } from './list-queues';
import { purge, SETTLED_STATES } from './purge';
import { redriveOne, redriveQueue } from './redrive';
import { usageError, type Report } from './report';
import { runDoctor } from './run-doctor';
import type { JobFilter } from './select-jobs';
import { showJob } from './show-job';

/** The work of a subcommand, with a connection to Redis. */
type Task = (context: AdminContext) => Promise<Report>;

interface Request {
  readonly task: Task;
  readonly isJson: boolean;
  /** Settings from the command line, by the names of their environment variables. */
  readonly variables: Readonly<Record<string, string>>;
}

const DEFAULT_LIMIT = 50;

/** The password has no option: every user of the machine can see command lines. */
const REDIS_OPTIONS = [
  ['--redis-host <host>', 'host of Redis', 'redisHost', 'ARR_REDIS_HOST'],
  ['--redis-port <port>', 'port of Redis', 'redisPort', 'ARR_REDIS_PORT'],
  ['--redis-username <name>', 'ACL user name', 'redisUsername', 'ARR_REDIS_USERNAME'],
  ['--redis-database <number>', 'database number', 'redisDatabase', 'ARR_REDIS_DATABASE'],
  ['--key-prefix <prefix>', 'prefix of every key', 'keyPrefix', 'ARR_KEY_PREFIX'],
] as const;

const HELP = `
Settings are read from the options, else from the environment (ARR_*), else from the file that ARR_SETTINGS_FILE names.
Exit codes: 0 success; 1 failure, or the doctor found errors; 2 wrong usage, or --yes is missing; 3 no such job or queue.`;

/**
 * Parses the arguments that follow the script's name.
 *
 * @throws CommanderError for wrong usage and for help, after printing it; CommandError for an invalid value.
 */
export async function parseCommandLine(args: readonly string[]): Promise<Request> {
  let request: Request | undefined;
  const define = (name: string, summary: string, task: (values: Values) => Task): Command => {
    const command = program.command(name).description(summary);
    command.option('--json', 'print JSON');
    REDIS_OPTIONS.forEach(([flags, meaning]) => command.option(flags, meaning));
    return command.action((...given: unknown[]) => {
      const options = command.opts();
      const [argument] = given;
      const values = { argument: typeof argument === 'string' ? argument : undefined, options };
      request = { task: task(values), isJson: options['json'] === true, variables: variablesOf(options) };
    });
  };
  const program = newProgram(
    'async-request-reply',
    'Administers the queues and jobs of the Kong plugin async-request-reply.',
  ).addHelpText('after', HELP);
  defineReading(define);
  defineChanging(define);
  await program.parseAsync(args, { from: 'user' });
  if (request === undefined) {
    throw usageError('A subcommand is missing. --help lists the subcommands.');
  }
  return request;
}

interface Values {
  readonly argument: string | undefined;
  readonly options: OptionValues;
}

type Define = (name: string, summary: string, task: (values: Values) => Task) => Command;

const FULL_IDS = [
  '--full-ids',
  'show complete IDs of jobs without an owner; such an ID gives access to the job',
] as const;

function defineReading(define: Define): void {
  define('queues', 'list the queues', () => listQueues);
  filterOptions(
    define('jobs', 'list the newest jobs', ({ options }) => {
      const limit = options['limit'] === undefined ? DEFAULT_LIMIT : parseCount(text(options, 'limit') ?? '');
      const filter = filterOf(options);
      return (context) => listJobs(context, { filter, limit, fullIds: fullIds(options) });
    }),
  )
    .option('--limit <count>', `maximum number of jobs (default ${String(DEFAULT_LIMIT)})`)
    .option(...FULL_IDS);
  define(
    'show <id>',
    'show the record, times, error and sizes of a job',
    ({ argument = '', options }) =>
      (context) =>
        showJob(context, argument, fullIds(options)),
  ).option(...FULL_IDS);
  define(
    'doctor',
    'check for problems that lose jobs, stop them or let requests bypass the plugin',
    ({ options }) =>
      (context) =>
        runDoctor(context, {
          kongYml: text(options, 'kongYml'),
          scansKeys: options['scan'] !== false,
          env: process.env,
          nowMs: Date.now,
        }),
  )
    .option('--kong-yml <file>', 'also check this declarative configuration of Kong')
    .option('--no-scan', 'skip the checks that scan all keys');
}

function defineChanging(define: Define): void {
  const consenting = (command: Command): Command =>
    command
      .option('--dry-run', 'show what the command would do, and exit')
      .option('--yes', 'confirm the command')
      .option(...FULL_IDS);
  consenting(
    define(
      'cancel <id>',
      'cancel a job',
      ({ argument = '', options }) =>
        (context) =>
          cancelJob(context, argument, consentOf(options), fullIds(options)),
    ),
  );
  consenting(
    define('redrive [id]', 'run a dead letter again, or all dead letters of a queue', redriveTask),
  ).option('--queue <name>', 'all dead letters of this queue');
  consenting(filterOptions(define('purge', 'delete dead letters and other settled jobs', purgeTask)))
    .option(
      '--older-than <duration>',
      'jobs that settled (open jobs: were accepted) at least this long ago: 90s, 15m, 24h, 7d',
    )
    .option('--all', 'all settled jobs; required if there is no filter')
    .option('--force', 'also open jobs, which are cancelled first');
  for (const [name, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    define(
      `${name} <queue>`,
      paused ? 'pause a queue: none of its jobs starts' : 'resume a queue',
      ({ argument = '' }) =>
        (context) =>
          setPaused(context, argument, paused),
    );
  }
}

function redriveTask({ argument, options }: Values): Task {
  const queue = text(options, 'queue');
  const consent = consentOf(options);
  if ((argument === undefined) === (queue === undefined)) {
    throw usageError('Specify either a job ID or --queue.');
  }
  return (context) =>
    queue === undefined
      ? redriveOne(context, argument ?? '', consent, fullIds(options))
      : redriveQueue(context, queue, consent);
}

function purgeTask({ options }: Values): Task {
  const filter = filterOf(options);
  const olderThan = text(options, 'olderThan');
  const ageMs = olderThan === undefined ? undefined : parseDuration(olderThan);
  const force = options['force'] === true;
  const isFiltered = ageMs !== undefined || Object.values(filter).some((value) => value !== undefined);
  if (isFiltered === (options['all'] === true)) {
    throw usageError('Specify --queue, --owner, --state or --older-than, or --all for every settled job.');
  }
  const settled: readonly string[] = [...SETTLED_STATES, 'dead'];
  if (!force && filter.states?.some((state) => !settled.includes(state))) {
    throw usageError('Purging open jobs requires --force, which cancels them first.');
  }
  const states = filter.states ?? (force ? undefined : SETTLED_STATES);
  return async (context) => {
    const beforeMs = ageMs === undefined ? undefined : (await redisNowMs(context)) - ageMs;
    return purge(context, { ...filter, states, beforeMs }, force, consentOf(options));
  };
}

const filterOptions = (command: Command): Command =>
  command
    .option('--queue <name>', 'jobs of this queue')
    .option('--state <states>', 'jobs in these states, separated by commas; dead selects dead letters')
    .option('--owner <owner>', 'jobs of this owner: consumer:ID, credential:ID, header:NAME:SHA256, nobody');

function filterOf(options: OptionValues): JobFilter {
  const owner = text(options, 'owner');
  const states = text(options, 'state');
  return {
    queue: text(options, 'queue'),
    owner: owner === undefined ? undefined : parseOwner(owner),
    states: states === undefined ? undefined : parseStates(states),
  };
}

const fullIds = (options: OptionValues): boolean => options['fullIds'] === true;

const text = (options: OptionValues, name: string): string | undefined => {
  const value: unknown = options[name];
  return typeof value === 'string' ? value : undefined;
};

const variablesOf = (options: OptionValues): Record<string, string> =>
  Object.fromEntries(
    REDIS_OPTIONS.flatMap(([, , name, variable]) => {
      const value = text(options, name);
      return value === undefined ? [] : [[variable, value]];
    }),
  );
