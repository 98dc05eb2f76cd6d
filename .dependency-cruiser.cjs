'use strict';

// Which way imports may go. rooms.json lists the rooms of the plugin from top to bottom: a room imports those below it.
const rooms = require('./rooms.json');

const PLUGIN = '^plugins/async-request-reply/';

const pathOf = ({ name, path = `${name}/` }) => PLUGIN + path;

/** Each room, and those above it, which it must not import. */
const oneWay = rooms.slice(1).map((room, index) => ({
  name: `${room.name}-imports-downwards`,
  comment: `${room.name}/ must not import a room above it: see rooms.json.`,
  severity: 'error',
  from: { path: pathOf(room) },
  to: { path: rooms.slice(0, index + 1).map(pathOf) },
}));

/** A library that only some folders may import. */
const onlyFrom = (library, folders) => ({
  name: `${library}-has-its-rooms`,
  comment: `${library} is imported by ${folders.join(' and ')} alone.`,
  severity: 'error',
  from: { path: '^(plugins|kong|schemas)/', pathNot: folders.map((folder) => `^${folder}`) },
  to: { path: `^node_modules/${library}/` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'A cycle of imports, types included.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...oneWay,
    {
      name: 'every-folder-is-a-room',
      comment: 'A folder of the plugin that rooms.json does not list.',
      severity: 'error',
      from: { path: `${PLUGIN}[^/]+/`, pathNot: rooms.map(pathOf) },
      to: {},
    },
    {
      name: 'plugin-knows-no-program',
      comment: 'The plugin and the schemas import nothing of the programs around them.',
      severity: 'error',
      from: { path: '^(plugins|schemas)/' },
      to: { path: '^(kong|spec|bench|scripts)/' },
    },
    {
      name: 'schemas-stand-alone',
      severity: 'error',
      from: { path: '^schemas/' },
      to: { path: '^(plugins|kong)/' },
    },
    onlyFrom('ioredis', [`${PLUGIN.slice(1)}redis/`]),
    onlyFrom('bullmq', [`${PLUGIN.slice(1)}queue/`, `${PLUGIN.slice(1)}worker/`]),
    onlyFrom('undici', [`${PLUGIN.slice(1)}dispatch/http/`, `${PLUGIN.slice(1)}callbacks/`]),
    onlyFrom('kong-pdk', ['kong/plugin-server']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['require', 'node', 'types'] },
  },
};
