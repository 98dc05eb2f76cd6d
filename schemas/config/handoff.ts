/** Which bodies nginx streams (handoff path). Large bodies on the inline path, the RPC, would block a Kong worker. */
import { field } from '../field';

const MAX_RPC_BODY_BYTES = 1048576;

export const handoffSchema = field.record(
  'HandoffConfig',
  'Which bodies nginx streams instead of sending them through the RPC between Kong and the plugin server.',
  {
    request_threshold_bytes: field.integer(
      'Request bodies larger than this number of bytes are streamed by nginx.',
      0,
      MAX_RPC_BODY_BYTES,
      {
        default: 65536,
      },
    ),
    response_threshold_bytes: field.integer(
      'Response bodies larger than this number of bytes are streamed by nginx.',
      0,
      MAX_RPC_BODY_BYTES,
      {
        default: 131072,
      },
    ),
    max_head_bytes: field.integer(
      "Value of proxy_buffer_size in Kong's nginx, in bytes. A larger header section cannot be streamed: a job fails if its result has one and is larger than 512 KiB.",
      1024,
      131072,
      {
        default: 4096,
      },
    ),
  },
);
