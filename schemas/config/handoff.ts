/** Which bodies are too large for the RPC between Kong and the plugin server, where they would block a Kong worker. */
import { field } from '../field';

const MAX_RPC_BODY_BYTES = 1048576;

export const handoffSchema = field.record(
  'HandoffConfig',
  'Which bodies are streamed instead of going through the RPC.',
  {
    request_threshold_bytes: field.integer(
      'Request bodies larger than this are streamed by nginx.',
      0,
      MAX_RPC_BODY_BYTES,
      {
        default: 65536,
      },
    ),
    response_threshold_bytes: field.integer(
      'Response bodies larger than this are streamed by nginx.',
      0,
      MAX_RPC_BODY_BYTES,
      {
        default: 131072,
      },
    ),
    max_head_bytes: field.integer(
      "proxy_buffer_size of Kong's nginx, in bytes: no larger header section is streamed. A result over 512 KiB that has one fails its job.",
      1024,
      131072,
      {
        default: 4096,
      },
    ),
  },
);
