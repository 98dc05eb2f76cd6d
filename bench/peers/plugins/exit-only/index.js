// The peer of the benchmarks: a plugin for kong-pdk's own plugin server that does the least a plugin can do to answer.
'use strict';

exports.Name = 'exit-only';
exports.Version = '1.0.0';
exports.Priority = 500;
exports.Schema = [
  { status: { type: 'integer', required: true } },
  { headers: { type: 'string', required: true } },
  { body: { type: 'string', required: true } },
];
exports.Plugin = class {
  constructor(config) {
    this.status = config.status;
    this.headers = JSON.parse(config.headers);
    this.body = config.body;
  }

  async access(kong) {
    await kong.response.exit(this.status, this.body, this.headers);
  }
};
